import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { allocateBlocks } from '../shared/blocks.ts';
import { ContainerCells } from '../shared/container-cells.ts';
import { PoolCells } from '../shared/pool-cells.ts';
import type { Granted, Lease } from './lease.ts';
import { createPool, type Pool } from './pool.ts';

const THREADS = 3;
const none: ReadonlySet<string> = new Set();
const never = new AbortController().signal;

/** Threads that share a pool. What one passes on to another is delivered when `deliver` says so, as between real ones. */
function threadsOf(limit: number, ...ids: string[]) {
  const memory = allocateBlocks();
  const cells = new PoolCells(memory, 0, THREADS);
  const offers: (() => void)[] = [];
  const pools: Pool[] = Array.from({ length: THREADS }, (_, thread) =>
    createPool({
      ...{ poolId: 'po-1', cells, thread },
      passOn: (other, _poolId, tried) => void offers.push(() => pools[other]?.offer(tried)),
    }),
  );
  const ofContainer = new Map(ids.map((id, i) => [id, new ContainerCells(memory, 10 + i)]));
  for (const [id, each] of ofContainer)
    for (const pool of pools)
      pool.update(id, nodeAgent.Container.create({ containerId: id, state: nodeAgent.ContainerState.READY }), each);
  const deliver = (at = 0): void => offers.splice(at, 1)[0]?.();
  const inContainer = (): number[] => [...ofContainer.values()].map(({ inFlight }) => inFlight);
  return { pools, offers, deliver, inContainer, limit, cells };
}

const leaseOf = async (granted: Promise<Granted>): Promise<Lease> => {
  const got = await granted;
  assert.ok(got.kind === 'lease');
  return got.lease;
};

test('who has waited longest is served first, whichever thread it waits in', async () => {
  const { pools, offers, deliver } = threadsOf(1, 'a');
  const [first, second, third] = pools as [Pool, Pool, Pool];
  const running = first.tryAcquire(1, none);
  const order: string[] = [];
  const waits = [second, third, first, second].map(async (pool, i) => {
    const lease = await leaseOf(pool.wait(1, never, none));
    order.push(`${i}`);
    lease.release();
  });
  running?.release();
  for (let i = 0; i < 20; i++) {
    if (offers.length > 0) deliver();
    await Promise.resolve();
  }
  await Promise.all(waits);
  assert.deepEqual(order, ['0', '1', '2', '3']);
});

test('who comes while others wait does not get the slot that is on its way to them', async () => {
  const { pools, deliver } = threadsOf(1, 'a');
  const [first, second] = pools as [Pool, Pool];
  const running = first.tryAcquire(1, none);
  const waiting = second.wait(1, never, none);
  running?.release();
  assert.equal(first.tryAcquire(1, none), undefined);
  deliver();
  assert.ok(await leaseOf(waiting));
});

test('a slot that was offered to somebody who has left goes to the next', async () => {
  const { pools, deliver, offers } = threadsOf(1, 'a');
  const [first, second, third] = pools as [Pool, Pool, Pool];
  const running = first.tryAcquire(1, none);
  const leaving = new AbortController();
  const left = second.wait(1, leaving.signal, none);
  const next = third.wait(1, never, none);
  running?.release();
  leaving.abort();
  assert.equal((await left).kind, 'refused');
  while (offers.length > 0) deliver();
  assert.ok(await leaseOf(next));
});

test('tickets may run over', () => {
  const cells = new PoolCells(allocateBlocks(), 0, 2);
  cells.setHead(0, 0x7fffffff);
  cells.setHead(1, -0x80000000);
  assert.equal(cells.firstInLine(0), 0);
  assert.equal(cells.firstInLine(1), 1);
  assert.equal(cells.firstInLine(3), -1);
});

/** Numbers that look random and are the same in each run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('no slot is given twice and nobody is forgotten, in whatever order threads hear of each other', async () => {
  for (let seed = 1; seed <= 40; seed++) await playWith(seed);
});

async function playWith(seed: number): Promise<void> {
  const random = numbersFrom(seed);
  const { pools, offers, deliver, inContainer, limit, cells } = threadsOf(1 + random(3), 'a', 'b');
  const running: Lease[] = [];
  let [asked, answered, left] = [0, 0, 0];
  const leaving: AbortController[] = [];
  const ask = (): void => {
    const pool = pools[random(THREADS)] as Pool;
    asked += 1;
    const at = pool.tryAcquire(limit, none);
    if (at) return void running.push(at);
    const controller = new AbortController();
    leaving.push(controller);
    const except: ReadonlySet<string> = random(5) === 0 ? new Set(['a']) : none;
    void pool.wait(limit, controller.signal, except).then((granted) => {
      if (granted.kind === 'lease') running.push(granted.lease);
      else left += 1;
    });
  };
  const end = (): void => {
    const [lease] = running.splice(random(running.length), 1);
    if (!lease) return;
    answered += 1;
    lease.release();
  };
  const check = (): void => {
    for (const count of inContainer()) assert.ok(count >= 0 && count <= limit, `${count} of ${limit}`);
  };
  for (let step = 0; step < 400; step++) {
    const what = random(8);
    if (what < 3) ask();
    else if (what < 6) end();
    else if (what === 6) deliver(random(offers.length || 1));
    else leaving.splice(random(leaving.length || 1), 1)[0]?.abort();
    await Promise.resolve();
    check();
  }
  // When all that runs ends and every message has come, everybody has had a turn.
  for (let rest = 0; rest < 5_000 && (running.length > 0 || offers.length > 0); rest++) {
    if (offers.length > 0) deliver();
    else end();
    await Promise.resolve();
    await Promise.resolve();
    check();
  }
  assert.deepEqual([answered + left, cells.queued, cells.inFlight], [asked, 0, 0]);
  assert.deepEqual(inContainer(), [0, 0]);
}
