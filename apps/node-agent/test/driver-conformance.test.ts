import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { run } from '../src/adapters/command.ts';
import { removeCgroups } from '../src/adapters/remove-cgroups.ts';
import { createRuncDriver, shortOf } from '../src/adapters/runc-driver.ts';
import { createSimulatedDriver, type SimulatedRun } from '../src/adapters/simulated-driver.ts';
import type { Driver, RunSpec } from '../src/domain/driver.ts';
import { makeTinyRoot } from './tiny-root.ts';

/** A program, as a shell knows it and as a simulation acts it. */
interface Program {
  readonly shell: string;
  readonly simulated: SimulatedRun;
}

const exit = (exitCode: number) => ({ exitCode, isOutOfMemory: false });
const sleeps: Program = { shell: 'exec sleep 60', simulated: {} };
const stubborn: Program = {
  shell: "trap '' TERM; echo up; while :; do sleep 1; done",
  simulated: { output: 'up\n', ignoresTerm: true },
};

/** A driver with a folder of its own. */
interface Tested extends AsyncDisposable {
  readonly driver: Driver;
  /** The same containers, as a process sees them that starts now. */
  again(): Driver;
  start(id: string, program: Program, memoryBytes?: number): Promise<void>;
  outputOf(id: string): Promise<string>;
}

async function runcTested(): Promise<Tested> {
  const folder = await mkdtemp(join(tmpdir(), 'pd-'));
  const instance = folder.slice(-6).toLowerCase();
  const root = join(folder, 'root');
  makeTinyRoot(root);
  const network = `pd-${instance}`;
  await run('ip', ['netns', 'add', network]);
  const create = (): Driver => createRuncDriver({ instance, containersDir: folder });
  const driver = create();
  await driver.fingerprint();
  const started = new Set<string>();
  return {
    driver,
    again: create,
    async start(id, { shell }, memoryBytes = 0) {
      started.add(id);
      await startWith(driver, folder, specOf(id, folder, { root, network, shell, memoryBytes }));
    },
    outputOf: (id) => readFile(join(folder, `${id}.out`), 'utf8'),
    async [Symbol.asyncDispose]() {
      for (const id of started) await driver.destroy(id);
      await removeCgroups(instance);
      assert.equal(existsSync(`/sys/fs/cgroup/memory/portico-${instance}`), false);
      assert.equal(existsSync(`/sys/fs/cgroup/portico-${instance}`), false);
      await run('ip', ['netns', 'delete', network]);
      await rm(`/run/portico-${instance}`, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function simulatedTested(): Promise<Tested> {
  const folder = await mkdtemp(join(tmpdir(), 'pd-'));
  const programs = new Map<string, Program>();
  const driver = createSimulatedDriver(({ containerId }) => programs.get(containerId)?.simulated ?? {});
  return {
    driver,
    again: () => driver,
    async start(id, program) {
      programs.set(id, program);
      await startWith(driver, folder, specOf(id, folder, { root: '/', network: '', shell: '', memoryBytes: 0 }));
    },
    outputOf: (id) => readFile(join(folder, `${id}.out`), 'utf8'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Shell {
  readonly root: string;
  readonly network: string;
  readonly shell: string;
  readonly memoryBytes: number;
}

function specOf(containerId: string, folder: string, { root, network, shell, memoryBytes }: Shell): RunSpec {
  return {
    containerId,
    bundleDir: join(folder, shortOf(containerId)),
    rootDir: root,
    networkNamespace: `/var/run/netns/${network}`,
    args: ['/bin/sh', '-c', shell],
    environment: new Map([['PATH', '/bin:/usr/bin']]),
    workingDirectory: '/',
    hostName: 'tiny',
    binds: [],
    limits: { memoryBytes, cpuMillis: 0, cpuWeightMillis: 100, processes: 64, openFiles: 256 },
    stdout: -1,
    stderr: -1,
  };
}

async function startWith(driver: Driver, folder: string, spec: RunSpec): Promise<void> {
  await mkdir(spec.bundleDir, { recursive: true });
  const output = openSync(join(folder, `${spec.containerId}.out`), 'a');
  try {
    await driver.start({ ...spec, stdout: output, stderr: output });
  } finally {
    closeSync(output);
  }
}

const forever = new AbortController().signal;

for (const [name, tested] of Object.entries({ runc: runcTested, simulated: simulatedTested })) {
  test(`${name}: what it prints and how it ends is known`, async () => {
    await using it = await tested();
    await it.start('ta-1', { shell: 'echo said; exit 3', simulated: { output: 'said\n', exit: exit(3) } });
    assert.deepEqual(await it.driver.wait('ta-1', forever), exit(3));
    assert.equal(await it.outputOf('ta-1'), 'said\n');
    assert.equal(await it.driver.isRunning('ta-1'), false);
    await it.driver.signal('ta-1', 'SIGKILL');
  });

  test(`${name}: one that runs is seen, measured and ended by a signal`, async () => {
    await using it = await tested();
    await it.start('ta-1', sleeps);
    await eventually('it runs', () => it.driver.isRunning('ta-1'));
    assert.ok(await it.driver.stats('ta-1'));
    await it.driver.signal('ta-1', 'SIGKILL');
    assert.deepEqual(await it.driver.wait('ta-1', forever), exit(137));
    assert.equal(await it.driver.stats('ta-1'), undefined);
  });

  test(`${name}: one that ignores SIGTERM goes on until SIGKILL`, async () => {
    await using it = await tested();
    await it.start('ta-1', stubborn);
    await eventually('it is up', async () => (await it.outputOf('ta-1')).includes('up'));
    await it.driver.signal('ta-1', 'SIGTERM');
    assert.equal(await it.driver.isRunning('ta-1'), true);
    await it.driver.signal('ta-1', 'SIGKILL');
    assert.equal((await it.driver.wait('ta-1', forever)).exitCode, 137);
  });

  test(`${name}: a later process finds what runs, and how the others have ended`, async () => {
    await using it = await tested();
    await it.start('ta-1', sleeps);
    await it.start('ta-2', { shell: 'exit 7', simulated: { exit: exit(7) } });
    await it.driver.wait('ta-2', forever);
    await eventually('the other runs', () => it.driver.isRunning('ta-1'));
    const later = it.again();
    assert.deepEqual(
      [await later.isKnown('ta-1'), await later.isKnown('ta-2'), await later.isKnown('ta-3')],
      [true, true, false],
    );
    assert.deepEqual(await later.wait('ta-2', forever), exit(7));
    const ended = later.wait('ta-1', forever);
    await later.signal('ta-1', 'SIGKILL');
    assert.equal((await ended).exitCode, 137);
  });

  test(`${name}: who no longer waits does not end it; to destroy it again does nothing`, async () => {
    await using it = await tested();
    await it.start('ta-1', sleeps);
    await eventually('it runs', () => it.driver.isRunning('ta-1'));
    const leave = new AbortController();
    const waiting = it.driver.wait('ta-1', leave.signal);
    leave.abort(new Error('left'));
    await assert.rejects(waiting, /left/);
    assert.equal(await it.driver.isRunning('ta-1'), true);
    await it.driver.destroy('ta-1');
    await it.driver.destroy('ta-1');
    assert.equal(await it.driver.isRunning('ta-1'), false);
  });
}

test('runc: one that takes more memory than it may is told from one that fails', async () => {
  await using it = await runcTested();
  const hungry = { shell: 'tail /dev/zero', simulated: {} };
  await it.start('ta-1', hungry, 16 * 1024 * 1024);
  const { isOutOfMemory, exitCode } = await it.driver.wait('ta-1', forever);
  assert.deepEqual([isOutOfMemory, exitCode], [true, 137]);
});
