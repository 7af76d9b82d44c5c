import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, nodeAgent } from '@portico/contracts';
import { createReplica } from '../replica.ts';
import { allocateBlocks, createBlocks } from '../shared/blocks.ts';
import type { Change } from '../threads/messages.ts';
import { createAnnouncer } from './announcer.ts';

const THREADS = 2;
const LIMITS = { ratePerSecond: 10, rateBurst: 10, queueMax: 10 };
const { READY } = nodeAgent.ContainerState;

/** The main thread's side of it, and what it has told. */
function announcing(parameterSetsMax = 2) {
  const memory = allocateBlocks();
  const told: Change[] = [];
  const passOn = (): void => undefined;
  const known = createReplica({ defaults: LIMITS, memory, threads: THREADS, thread: -1, passOn });
  const tell = (change: Change): void => {
    told.push(change);
    known.apply(change);
  };
  const announcer = createAnnouncer({ blocks: createBlocks(memory), threads: THREADS, known, tell, parameterSetsMax });
  const say = (containerId: string, poolId: string | undefined): void => {
    const container = poolId ? nodeAgent.Container.create({ containerId, poolId, state: READY }) : undefined;
    announcer.container({ key: containerId, value: container, revision: 1 }, known.containers.get(containerId));
  };
  const open = (poolId: string): Change | undefined => {
    announcer.open({ poolId, serializedParams: Buffer.from(poolId) });
    return told.at(-1);
  };
  return { announcer, known, told, say, open };
}

test('everything that is counted has a place of its own, before anybody hears of it', () => {
  const { told, say } = announcing();
  say('ta-1', 'po-1');
  say('ta-2', 'po-1');
  const places = told.flatMap((change) => (change.kind === 'container' ? [change.at, change.pool.at] : []));
  assert.equal(places[1], places[3]);
  assert.equal(new Set(places).size, 3);
});

test('a pool that nothing deployed names and that has no containers is forgotten, not at first sight', () => {
  const { announcer, known, say, open } = announcing();
  announcer.app({
    key: 'ap-1',
    value: control.LiveApp.create({ appId: 'ap-1', pools: [control.PoolSpec.create({ poolId: 'po-live' })] }),
    revision: 1,
  });
  say('ta-1', 'po-gone');
  open('po-live_1');
  const isKnown = (): boolean[] => ['po-live', 'po-gone', 'po-live_1'].map((id) => known.pools.find(id) !== undefined);
  announcer.sweep();
  announcer.sweep();
  assert.deepEqual(isKnown(), [true, true, false]);
  say('ta-1', undefined);
  announcer.sweep();
  assert.deepEqual(isKnown(), [true, true, false]);
  announcer.sweep();
  assert.deepEqual(isKnown(), [true, false, false]);
});

test('who waits for a pool in the moment in which it is forgotten goes on', async () => {
  const { known, say, open } = announcing();
  open('po-1_a');
  const waiting = known.pools.of('po-1_a').wait(1, new AbortController().signal, new Set());
  known.apply({ kind: 'forgotten pool', poolId: 'po-1_a' });
  assert.deepEqual(await waiting, { kind: 'moved' });
  assert.equal(known.pools.find('po-1_a'), undefined);
  say('ta-1', 'po-1_a');
  assert.ok(known.pools.of('po-1_a').hasReady);
});

test('a class has no more sets of values at once than it may, and may have others later', () => {
  const { announcer, open } = announcing(2);
  assert.deepEqual(
    ['po-1_a', 'po-1_b', 'po-2_a', 'po-1_a', 'po-1_c'].map((poolId) => open(poolId)?.kind),
    ['bound pool', 'bound pool', 'bound pool', 'bound pool', 'no more pools'],
  );
  assert.deepEqual(announcer.paramsOf('po-1_b'), Buffer.from('po-1_b'));
  announcer.sweep();
  announcer.sweep();
  assert.equal(announcer.paramsOf('po-1_b'), undefined);
  assert.equal(open('po-1_c')?.kind, 'bound pool');
});

test('made-up values leave room for what is deployed, and get room again', () => {
  const memory = new SharedArrayBuffer(32 * 100);
  let nowMs = 0;
  const blocks = createBlocks(memory, () => nowMs);
  const taken: number[] = [];
  while (blocks.canSpare(1)) taken.push(blocks.take(1));
  assert.equal(taken.length, 75);
  blocks.giveBack(blocks.take(1), 1);
  nowMs = 14 * 60_000;
  assert.ok(!blocks.canSpare(1));
  nowMs = 16 * 60_000;
  assert.ok(blocks.canSpare(1));
});

test('a place is given to others when it has rested and nothing is counted in it', () => {
  const memory = allocateBlocks();
  let nowMs = 0;
  const blocks = createBlocks(memory, () => nowMs);
  const [first, second] = [blocks.take(1), blocks.take(1)];
  const ints = new Int32Array(memory);
  ints[second * 8] = 1;
  blocks.giveBack(first, 1);
  blocks.giveBack(second, 1);
  assert.ok(![first, second].includes(blocks.take(1)));
  nowMs = 16 * 60_000;
  assert.equal(blocks.take(1), first);
  assert.notEqual(blocks.take(1), second);
  ints[second * 8] = 0;
  assert.equal(blocks.take(1), second);
});
