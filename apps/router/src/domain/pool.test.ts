import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { allocateBlocks } from '../shared/blocks.ts';
import { ContainerCells } from '../shared/container-cells.ts';
import { PoolCells } from '../shared/pool-cells.ts';
import { answers } from './answers.ts';
import { createPool } from './pool.ts';

const { READY, DRAINING } = nodeAgent.ContainerState;
const container = (containerId: string, state: nodeAgent.ContainerState) =>
  nodeAgent.Container.create({ containerId, state });
const none = new Set<string>();
const never = new AbortController().signal;

function poolOf(...ids: string[]) {
  const memory = allocateBlocks();
  const cells = new PoolCells(memory, 0, 1);
  const pool = createPool({ poolId: 'po-1', cells, thread: 0, passOn: () => assert.fail('there is no other thread') });
  const update = (id: string, state: nodeAgent.ContainerState = READY): void =>
    pool.update(id, container(id, state), new ContainerCells(memory, 1 + id.charCodeAt(0)));
  for (const id of ids) update(id);
  return Object.assign(pool, { say: update });
}

test('work goes to the least loaded container, never beyond the limit', () => {
  const pool = poolOf('a', 'b');
  const first = pool.tryAcquire(2, none);
  const second = pool.tryAcquire(2, none);
  assert.notEqual(first?.container.containerId, second?.container.containerId);
  pool.tryAcquire(2, none);
  pool.tryAcquire(2, none);
  assert.equal(pool.tryAcquire(2, none), undefined);
  assert.equal(pool.inFlight, 4);
});

test('requests with one key go to one container while it has room, and to another when it has none', () => {
  const pool = poolOf('a', 'b', 'c');
  const taken = Array.from({ length: 3 }, () => pool.tryAcquire(2, none, 'session-1')?.container.containerId);
  assert.equal(taken[1], taken[0]);
  assert.notEqual(taken[2], taken[0]);
  pool.say(taken[0] ?? '', DRAINING);
  assert.equal(pool.tryAcquire(2, none, 'session-1')?.container.containerId, taken[2]);
});

test('a slot that is given back twice counts once', () => {
  const pool = poolOf('a');
  const lease = pool.tryAcquire(1, none);
  lease?.release();
  lease?.release();
  assert.equal(pool.inFlight, 0);
  assert.ok(pool.tryAcquire(1, none));
  assert.equal(pool.tryAcquire(1, none), undefined);
});

test('waiting requests are served in order as slots become free', async () => {
  const pool = poolOf('a');
  const lease = pool.tryAcquire(1, none);
  const order: string[] = [];
  const waits = ['x', 'y'].map(async (name) => {
    const granted = await pool.wait(1, never, none);
    order.push(name);
    if (granted.kind === 'lease') granted.lease.release();
  });
  assert.equal(pool.queued, 2);
  lease?.release();
  await Promise.all(waits);
  assert.deepEqual(order, ['x', 'y']);
});

test('a container that becomes ready serves who waits', async () => {
  const pool = poolOf();
  const waiting = pool.wait(1, never, none);
  pool.say('a');
  assert.equal((await waiting).kind, 'lease');
});

test('a draining container gets no more work, and its count does not block others', () => {
  const pool = poolOf('a');
  const lease = pool.tryAcquire(1, none);
  pool.say('a', DRAINING);
  assert.equal(pool.hasReady, false);
  lease?.release();
  assert.equal(pool.inFlight, 0);
  assert.equal(pool.tryAcquire(1, none), undefined);
});

test('who leaves while waiting is not served', async () => {
  const pool = poolOf();
  const leaving = new AbortController();
  const waiting = pool.wait(1, leaving.signal, none);
  leaving.abort();
  assert.deepEqual(await waiting, { kind: 'refused', answer: answers.queueDeadline });
  assert.equal(pool.queued, 0);
});

test('all who wait hear of a failed start', async () => {
  const pool = poolOf();
  const waits = [pool.wait(1, never, none), pool.wait(1, never, none)];
  pool.refuseAll(answers.startFailed('no'));
  for (const granted of await Promise.all(waits)) assert.equal(granted.kind, 'refused');
});

test('a container that said it is busy is not asked again by the same request', () => {
  const pool = poolOf('a', 'b');
  assert.equal(pool.tryAcquire(1, new Set(['a']))?.container.containerId, 'b');
  assert.equal(pool.tryAcquire(1, new Set(['a', 'b'])), undefined);
});

test('a container that says again that it is ready keeps the count of its requests', () => {
  const pool = poolOf('a');
  const lease = pool.tryAcquire(1, none);
  pool.say('a');
  assert.equal(pool.tryAcquire(1, none), undefined);
  lease?.release();
  assert.ok(pool.tryAcquire(1, none));
});

test('a container that is set aside gets no work until it is taken back, whatever it says', async () => {
  const pool = poolOf('a', 'b');
  pool.setAside('a');
  assert.equal(pool.tryAcquire(1, none)?.container.containerId, 'b');
  assert.ok(pool.hasReady);
  pool.say('b', DRAINING);
  pool.say('a');
  assert.deepEqual([pool.hasReady, pool.tryAcquire(1, none)], [false, undefined]);
  const waiting = pool.wait(1, never, none);
  pool.takeBack('a');
  assert.equal((await waiting).kind, 'lease');
});
