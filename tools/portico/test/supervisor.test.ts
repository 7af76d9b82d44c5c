import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { eventually } from '@portico/testing';
import { endProcess, identityOf, isAlive } from '../src/adapters/process-table.ts';
import type { Plan, ProcessSpec, SupervisorState } from '../src/plan.ts';
import { rotateLog } from '../src/supervisor/rotate-log.ts';
import { supervise } from '../src/supervisor/supervise.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'portico-supervisor-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function shell(folder: string, name: string, script: string, stopOrder = 1): ProcessSpec {
  const env = { PATH: '/usr/bin:/bin', SECRET_OF_SPEC: 'given' };
  return {
    name,
    command: '/bin/sh',
    args: ['-c', script],
    env,
    logFile: join(folder, `${name}.log`),
    stopMs: 500,
    stopOrder,
  };
}

function planOf(folder: string, processes: ProcessSpec[]): Plan {
  return { processes, stateFile: join(folder, 'state.json'), lockFile: join(folder, 'lock'), fingerprint: 'f' };
}

function stateOf({ stateFile }: Plan): SupervisorState {
  return JSON.parse(readFileSync(stateFile, 'utf8')) as SupervisorState;
}

test('a process that is killed is started again and its state says so', async (t) => {
  const folder = await folderOf(t);
  const plan = planOf(folder, [shell(folder, 'one', 'echo started $SECRET_OF_SPEC; exec sleep 100')]);
  await using running = await supervise(plan);
  assert.ok(running);
  const wrote = (text: string) => () => readFileSync(join(folder, 'one.log'), 'utf8') === text;
  await eventually('it has written to its log', wrote('started given\n'));
  process.kill(stateOf(plan).processes[0]?.process?.pid ?? 0, 'SIGKILL');
  const again = await eventually('it runs again', () => {
    const state = stateOf(plan).processes[0];
    return state?.restarts === 1 && state.process ? state : undefined;
  });
  assert.equal(again.lastExit, 'ended by SIGKILL');
  await eventually('both have written to the log', wrote('started given\nstarted given\n'));
});

test('what cannot be started at all is tried again and told', async (t) => {
  const folder = await folderOf(t);
  const plan = planOf(folder, [{ ...shell(folder, 'none', ''), command: '/does/not/exist' }]);
  await using _running = await supervise(plan);
  const state = await eventually('it was tried twice', () =>
    stateOf(plan).processes.find(({ restarts }) => restarts >= 1),
  );
  assert.match(state.lastExit, /ENOENT/);
});

test('stopping ends every process, what the others need last, and kills what does not listen', async (t) => {
  const folder = await folderOf(t);
  const ends = (name: string) => `trap 'echo ${name} >> ${folder}/order; exit' TERM; while :; do sleep 0.02; done`;
  const plan = planOf(folder, [
    shell(folder, 'base', ends('base'), 0),
    shell(
      folder,
      'service',
      `trap 'sleep 0.1; echo service >> ${folder}/order; exit' TERM; while :; do sleep 0.02; done`,
    ),
    shell(folder, 'deaf', "trap '' TERM; while :; do sleep 0.02; done"),
  ]);
  const running = await supervise(plan);
  const pids = stateOf(plan).processes.map(({ process: identity }) => identity);
  await eventually('the deaf one has set its trap', () => signalsIgnoredBy(pids[2]?.pid ?? 0));
  await running?.[Symbol.asyncDispose]();
  assert.deepEqual(readFileSync(join(folder, 'order'), 'utf8').trim().split('\n'), ['service', 'base']);
  assert.deepEqual(
    pids.filter((identity) => identity && isAlive(identity)),
    [],
  );
  assert.equal(existsSync(plan.stateFile) || existsSync(plan.lockFile), false);
});

/** Whether SIGTERM (15) is ignored, from the mask in /proc. */
function signalsIgnoredBy(pid: number): boolean {
  const mask = /SigIgn:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}

test('a second supervisor leaves the first alone, and one that follows a killed one takes its place', async (t) => {
  const folder = await folderOf(t);
  const plan = planOf(folder, [shell(folder, 'one', 'exec sleep 100')]);
  await using running = await supervise(plan);
  assert.ok(running);
  assert.equal(await supervise(plan), undefined);
  const left = stateOf(plan).processes[0]?.process;
  assert.ok(left && isAlive(left));
  // As after kill -9: the lock names a process that is no more, the processes are still there.
  await writeFile(plan.lockFile, JSON.stringify({ pid: process.pid, startTicks: 1 }));
  await using next = await supervise(plan);
  assert.ok(next);
  assert.equal(isAlive(left), false);
});

test('a process id that is used again is not taken for the old process', () => {
  const self = identityOf(process.pid);
  assert.ok(self && isAlive(self));
  assert.equal(isAlive({ pid: self.pid, startTicks: self.startTicks + 1 }), false);
});

test('ending a process that has gone changes nothing', async () => {
  await endProcess({ pid: process.pid, startTicks: 1 }, 1_000);
});

test('a log is emptied in place when it is too large, and its older part kept', async (t) => {
  const file = join(await folderOf(t), 'x.log');
  await writeFile(file, '12345');
  assert.equal(await rotateLog(file, 5), false);
  assert.equal(await rotateLog(file, 4), true);
  assert.equal((await stat(file)).size, 0);
  assert.equal(readFileSync(`${file}.1`, 'utf8'), '12345');
  assert.equal(await rotateLog(`${file}.none`, 4), false);
});
