import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { eventually } from '@portico/testing';

const repository = join(import.meta.dirname, '../..');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly seconds: number;
}

/** Runs ./portico to its end with the settings of one instance. */
async function portico(settings: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  const begin = Date.now();
  const child = spawn(join(repository, 'portico'), args, { env: { ...process.env, ...settings } });
  const out = collect(child);
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  return { code, out: out(), seconds: (Date.now() - begin) / 1000 };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk));
  return () => text;
}

async function freePort(): Promise<number> {
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return (server.address() as AddressInfo).port;
}

/** A home and ports that nobody else has; everything is gone when the tests have ended. */
async function newInstance(): Promise<Record<string, string> & { PORTICO_HOME: string }> {
  const home = mkdtempSync(join(tmpdir(), 'pi-'));
  const settings = {
    PORTICO_HOME: home,
    PORTICO_HTTP_PORT: String(await freePort()),
    PORTICO_SDK_PORT: String(await freePort()),
    PORTICO_API_PORT: String(await freePort()),
  };
  after(async () => {
    await portico(settings, 'down', '--purge');
    rmSync(home, { recursive: true, force: true });
  });
  return settings;
}

interface Status {
  readonly nodes: readonly unknown[];
  readonly isRunning: boolean;
  readonly services: readonly { name: string; state: string; pid: number; restarts: number }[];
  readonly apps: readonly { name: string; phase: string }[];
  readonly containers: readonly { state: string; pid: number }[];
}

async function statusOf(settings: Readonly<Record<string, string>>): Promise<Status> {
  const { out } = await portico(settings, 'status', '--json');
  return JSON.parse(out) as Status;
}

function answerOf(out: string): string | undefined {
  return /\{"greeting":.*\}/.exec(out)?.[0];
}

/** Everything on this machine that names an instance: processes, mounts, links, tables, namespaces, control groups. */
function tracesOf(home: string, containers: readonly number[]): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(home));
  const alive = containers.filter((pid) => existsSync(`/proc/${pid}`)).map((pid) => `process ${pid}`);
  return [...mounts, ...alive, ...(existsSync(home) ? [home] : [])];
}

function run(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args);
  const out = collect(child);
  return new Promise((resolve) => child.once('close', () => resolve(out())));
}

/** Names of links, tables, network namespaces and control groups that an instance has on the machine. */
async function namesOf(home: string): Promise<string[]> {
  const instance = createHash('sha256').update(home).digest('hex').slice(0, 8);
  const lists = await Promise.all([
    run('ip', '-o', '-brief', 'link'),
    run('nft', 'list', 'tables'),
    run('ip', 'netns', 'list'),
    run('find', '/sys/fs/cgroup', '/run', '-name', `*${instance}*`),
  ]);
  return lists.flatMap((list) => list.split('\n').filter((line) => line.includes(instance)));
}

async function residentMib(settings: { PORTICO_HOME: string }): Promise<number> {
  const { services } = await statusOf(settings);
  const pids = [...services.map(({ pid }) => pid), supervisorOf(settings)];
  const resident = (pid: number) =>
    Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  return pids.reduce((sum, pid) => sum + resident(pid), 0);
}

function supervisorOf({ PORTICO_HOME: home }: { PORTICO_HOME: string }): number {
  const state = JSON.parse(readFileSync(join(home, 'run/supervisor.json'), 'utf8')) as { supervisor: { pid: number } };
  return state.supervisor.pid;
}

test('one command brings a URL that answers, again at once, and another takes all of it away', async (t) => {
  const settings = await newInstance();
  const first = await portico(settings, 'up');
  assert.equal(first.code, 0, first.out);
  assert.equal(answerOf(first.out), '{"greeting":"Hello, world!"}', first.out);
  assert.ok(first.seconds < 300, `${first.seconds} s`);

  await t.test('a second time it is quick', async () => {
    const again = await portico(settings, 'up');
    assert.equal(answerOf(again.out), '{"greeting":"Hello, world!"}', again.out);
    assert.ok(again.seconds < 5, `${again.seconds} s`);
  });

  await t.test('env prints exports and nothing else', async () => {
    const { out } = await portico(settings, 'env');
    assert.match(out, /^(export MODAL_(SERVER_URL|TOKEN_ID|TOKEN_SECRET)=\S+\n){3}$/);
  });

  await t.test('status knows services, apps and containers; logs shows what a service says', async () => {
    const status = await statusOf(settings);
    assert.deepEqual([...new Set(status.services.map(({ state }) => state))], ['ready']);
    assert.equal(status.services.length, 8);
    assert.equal(status.nodes.length, 1);
    assert.deepEqual(
      status.apps.map(({ name, phase }) => [name, phase]),
      [['hello', 'deployed']],
    );
    assert.equal(status.containers[0]?.state, 'ready');
    assert.match((await portico(settings, 'logs', 'router')).out, /router is ready/);
  });

  await t.test('it is small when it is idle', async () => {
    // What starting has left in memory goes when nothing happens for a while.
    await eventually('it needs less than 700 MiB', async () => (await residentMib(settings)) < 700, {
      withinMs: 60_000,
    });
  });

  await t.test('after down and up the app answers without a deploy', async () => {
    assert.equal((await portico(settings, 'down')).code, 0);
    assert.equal((await statusOf(settings)).isRunning, false);
    const again = await portico(settings, 'up');
    assert.equal(answerOf(again.out), '{"greeting":"Hello, world!"}', again.out);
    assert.doesNotMatch(again.out, /deploying/);
  });

  const containers = (await statusOf(settings)).containers.map(({ pid }) => pid);
  assert.ok(containers.length > 0 && (await namesOf(settings.PORTICO_HOME)).length > 0);
  const down = await portico(settings, 'down', '--purge');
  assert.equal(down.code, 0, down.out);
  assert.deepEqual(tracesOf(settings.PORTICO_HOME, containers), []);
  assert.deepEqual(await namesOf(settings.PORTICO_HOME), []);
});

test('two instances run side by side, and one goes without touching the other', async () => {
  const [one, two] = [await newInstance(), await newInstance()];
  assert.equal((await portico(one, 'up', '--no-hello')).code, 0);
  assert.equal((await portico(two, 'up', '--no-hello')).code, 0);
  const before = await statusOf(one);
  assert.equal((await portico(two, 'down', '--purge')).code, 0);
  assert.deepEqual(
    (await statusOf(one)).services.map(({ pid, state }) => [pid, state]),
    before.services.map(({ pid }) => [pid, 'ready']),
  );
});

test('a killed service comes back, and a killed supervisor is replaced by the next up', async () => {
  const settings = await newInstance();
  assert.equal((await portico(settings, 'up', '--no-hello')).code, 0);
  const pidOf = (status: Status, name: string) => status.services.find((service) => service.name === name)?.pid ?? 0;
  const before = await statusOf(settings);
  process.kill(pidOf(before, 'router'), 'SIGKILL');
  await eventually('the router is ready again', async () => {
    const { services } = await statusOf(settings);
    return services.some(({ name, state, restarts }) => name === 'router' && state === 'ready' && restarts === 1);
  });
  const supervisor = supervisorOf(settings);
  process.kill(supervisor, 'SIGKILL');
  await eventually('the supervisor is gone', () => !existsSync(`/proc/${supervisor}`));
  assert.ok(existsSync(`/proc/${pidOf(before, 'control')}`), 'the services go on');
  const again = await portico(settings, 'up', '--no-hello');
  assert.equal(again.code, 0, again.out);
  assert.notEqual(pidOf(await statusOf(settings), 'control'), pidOf(before, 'control'));
});

test('a taken port ends in one sentence and exit code 1', async () => {
  const settings = await newInstance();
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(Number(settings['PORTICO_SDK_PORT']), resolve));
  const { code, out } = await portico(settings, 'up', '--no-hello');
  assert.equal(code, 1);
  assert.match(
    out,
    new RegExp(`^portico: Port ${settings['PORTICO_SDK_PORT']} .*process ${process.pid}.*PORTICO_SDK_PORT.*\\n$`),
  );
});

test('in the foreground it stays until Ctrl-C, which takes it down', async () => {
  const settings = await newInstance();
  const child = spawn(join(repository, 'portico'), ['up', '--foreground', '--no-hello'], {
    env: { ...process.env, ...settings },
  });
  const out = collect(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await eventually('it is up', () => out().includes('Ctrl-C takes it down'), { withinMs: 60_000 });
  child.kill('SIGINT');
  assert.equal(await ended, 0, out());
  assert.equal((await statusOf(settings)).isRunning, false);
});
