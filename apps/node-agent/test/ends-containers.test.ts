import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { type Machine, machine, type Placing } from './machine.ts';
import { httpServer, untilTold } from './programs.ts';
import { runnerOf } from './runner.ts';

const { READY, DRAINING, EXITED } = nodeAgent.ContainerState;
const { STOPPED, KILLED, CRASHED, OUT_OF_MEMORY } = nodeAgent.ExitReason;
const { DRAIN } = autoscaler.Desired;
const MIB = 1024n * 1024n;

const server: Placing = {
  pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true },
  spec: { plainImage: true },
};

async function readyServer(at: Machine, program: string, pool: Partial<control.PoolSpec> = {}): Promise<string> {
  const id = await at.place(program, { ...server, pool: { ...server.pool, ...pool } });
  await at.reported(id, 'it is ready', ({ state }) => state === READY);
  return id;
}

/** Its last report, once nothing of it is there any more. */
async function ended(at: Machine, id: string): Promise<nodeAgent.Container> {
  const report = await at.reported(id, 'it has ended', ({ state }) => state === EXITED);
  await eventually('it is gone', () => at.isGone(id));
  return report;
}

test('a drained runner is told to take no more work and ends by itself', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place(untilTold);
  await using runner = await runnerOf(at, id);
  await runner.tell({ event: 'ready', sockets: { web: 'web.sock' } });
  const killSwitch = runner.asksForInputs();
  await at.reported(id, 'it is ready', ({ state }) => state === READY);
  await at.desire(id, { desired: DRAIN, stopReason: 'the test says so' });
  await at.reported(id, 'it drains', ({ state }) => state === DRAINING);
  assert.equal(await killSwitch, true);
  assert.equal(await runner.asksForInputs(), true, 'also when it asks again');
  await at.tell(id, 'end', '0');
  const report = await ended(at, id);
  assert.deepEqual([report.exitReason, report.exitCode, report.message], [STOPPED, 0, '']);
  assert.equal(await at.printed(id, nodeAgent.LogSource.SYSTEM), '');
});

test('a drained server gets SIGTERM after its grace; until then it answers', async () => {
  await using at = await machine();
  await at.agent();
  const id = await readyServer(at, httpServer(8000), { exitGracePeriodMs: 1_500 });
  const begin = Date.now();
  await at.desire(id, { desired: DRAIN });
  const { addresses } = await at.reported(id, 'it drains', ({ state }) => state === DRAINING);
  assert.equal(await (await fetch(`http://${addresses[0]?.endpoint?.value}/`)).text(), 'ok');
  const report = await ended(at, id);
  assert.deepEqual([report.exitReason, report.exitCode], [STOPPED, 0]);
  assert.ok(Date.now() - begin >= 1_500);
});

test('one that does not end gets SIGKILL when its grace is over', async () => {
  await using at = await machine({ termGraceMs: 400 });
  await at.agent();
  const id = await readyServer(at, `trap 'echo asked' TERM; (${httpServer(8000)}) & while :; do wait; done`);
  await at.desire(id, { desired: DRAIN });
  const report = await ended(at, id);
  assert.deepEqual([report.exitReason, report.exitCode], [KILLED, 137]);
  assert.equal(await at.printed(id), 'asked\n');
});

test('one that should stop now, or that nobody wants any more, or that is stopped by hand, ends', async () => {
  await using at = await machine();
  await at.agent();
  const program = httpServer(8000);
  const [now, unwanted, byHand] = await Promise.all([program, program, program].map((each) => readyServer(at, each)));
  assert.ok(now && unwanted && byHand);
  await at.desire(now, { desired: DRAIN, stopNow: true });
  assert.equal((await ended(at, now)).exitReason, KILLED);
  const key = (await at.placements.keys()).find((candidate) => candidate.endsWith(unwanted)) ?? '';
  await at.placements.delete(key);
  assert.equal((await ended(at, unwanted)).exitReason, STOPPED);
  await at.client.stopContainer({ containerId: byHand, graceful: true }, { deadlineMs: 5_000 });
  assert.equal((await ended(at, byHand)).exitReason, STOPPED);
  await assert.rejects(at.client.stopContainer({ containerId: 'ta-0', graceful: true }, { deadlineMs: 5_000 }), {
    kind: 'not-found',
  });
});

test('one whose end is asked for while it is being prepared never starts', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place('echo started; sleep 60');
  await at.reported(id, 'it is known', () => true);
  await at.desire(id, { desired: DRAIN });
  const report = await ended(at, id);
  assert.equal(report.exitReason, STOPPED);
  assert.equal(report.wasReady, false);
});

test('a crash, a signal and the memory limit are told apart', async () => {
  await using at = await machine();
  await at.agent();
  const end = (how: string) => `(${httpServer(8000)}) & while [ ! -e /__portico/run/go ]; do sleep 0.02; done; ${how}`;
  const crashed = await readyServer(at, end('echo last words >&2; exit 5'));
  const signalled = await readyServer(at, end('exec perl -e "kill 11, 1; sleep 1; exit 139"'));
  const hungry = await readyServer(at, end('exec tail /dev/zero'), {
    resources: control.Resources.create({ memoryBytes: 64n * MIB }),
  });
  for (const id of [crashed, signalled, hungry]) await at.tell(id, 'go');
  const crash = await ended(at, crashed);
  assert.deepEqual([crash.exitReason, crash.exitCode], [CRASHED, 5]);
  assert.equal(
    await at.printed(crashed),
    'last words\nThe container ended with exit code 5 while it should run.\n',
    'what it said comes before what is said of it',
  );
  const signal = await ended(at, signalled);
  assert.equal(signal.exitReason, CRASHED);
  assert.match(signal.message, /signal 11/);
  const memory = await ended(at, hungry);
  assert.equal(memory.exitReason, OUT_OF_MEMORY);
  assert.match(memory.message, /memory limit of 64 MiB/);
  assert.ok((await at.printed(hungry)).endsWith(`${memory.message}\n`));
});
