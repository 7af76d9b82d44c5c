import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import type { PoolView } from './fleet.ts';
import type { PlaceableNode } from './place.ts';
import { plan } from './plan.ts';
import type { PoolContainer, PoolState } from './pool-state.ts';

const NOW = 1_000_000;
const MIB = 1024 ** 2;

function view(poolId: string, memoryMib: number, changes: Partial<PoolState>): PoolView {
  const resources = control.Resources.create({ memoryBytes: BigInt(memoryMib * MIB) });
  const settings = {
    minContainers: 0,
    maxContainers: 9,
    bufferContainers: 0,
    scaledownWindowMs: 60_000,
    targetConcurrency: 1,
  };
  const state: PoolState = {
    poolId,
    role: { kind: 'current', predecessor: undefined },
    settings,
    containers: [],
    inFlight: 0,
    queued: 0,
    recentPeak: 0,
    isLoadKnown: true,
    failures: { count: 0, lastMs: 0 },
    ...changes,
  };
  return { spec: control.PoolSpec.create({ poolId, functionId: 'fu-1', resources }), state };
}

const node = (nodeId: string, memoryMib: number): PlaceableNode => ({
  nodeId,
  cpuMillis: 2_000,
  memoryBytes: memoryMib * MIB,
  usedCpuMillis: 0,
  usedMemoryBytes: 0,
});

const ready = (containerId: string, inFlight: number): PoolContainer => ({
  containerId,
  state: 'ready',
  inFlight,
  lastBusyMs: NOW,
});

test('what is placed counts for the next, so that a burst spreads', () => {
  const { starts } = plan(
    [view('po-1', 100, { queued: 4, recentPeak: 4 })],
    [node('no-a', 1_000), node('no-b', 1_000)],
    NOW,
  );
  assert.deepEqual(
    starts.map(({ nodeId }) => nodeId),
    ['no-a', 'no-b', 'no-a', 'no-b'],
  );
});

test('what has no place is said, and what has one starts', () => {
  const result = plan([view('po-1', 600, { queued: 3, recentPeak: 3 })], [node('no-a', 1_000)], NOW);
  assert.equal(result.starts.length, 1);
  assert.equal(result.unplaced.get('po-1'), 'no node has room for 600 MiB of memory and 0.125 CPU');
  assert.equal(result.decisions.get('po-1')?.reason, 'no node has room for 600 MiB of memory and 0.125 CPU');
});

test('an old version makes room for its successor, one container at a time, the idle one first', () => {
  const role = { kind: 'previous', isSuccessorReady: false } as const;
  const containers = [ready('ta-busy', 1), ready('ta-idle', 0)];
  const full = { ...node('no-a', 1_000), usedMemoryBytes: 1_000 * MIB };
  const next = view('po-2', 500, { role: { kind: 'current', predecessor: { alive: 2, busy: 1 } } });
  const old = (list: PoolContainer[]): PoolView =>
    view('po-1', 500, { role, containers: list, inFlight: 1, recentPeak: 1 });
  assert.deepEqual(plan([old(containers), next], [full], NOW).stops, [
    { containerId: 'ta-idle', why: 'makes room for its successor' },
  ]);
  const draining: PoolContainer = { ...ready('ta-idle', 0), state: 'draining' };
  assert.deepEqual(plan([old([ready('ta-busy', 1), draining]), next], [full], NOW).stops, []);
});

test('without a node it says so', () => {
  assert.equal(
    plan([view('po-1', 100, { queued: 1, recentPeak: 1 })], [], NOW).unplaced.get('po-1'),
    'no node is there to run it',
  );
});
