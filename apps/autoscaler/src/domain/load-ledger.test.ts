import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoadLedger, type LoadLedger } from './load-ledger.ts';
import type { PoolLoad } from './router-reports.ts';

function load(poolId: string, inFlight: number, queued: number, changes: Partial<PoolLoad> = {}): PoolLoad {
  return { poolId, inFlight, queued, started: 0, inFlightByContainer: new Map(), ...changes };
}

const on = (...containers: [string, number][]): Partial<PoolLoad> => ({ inFlightByContainer: new Map(containers) });

const question = { windowMs: 60_000, longestMs: 300_000 };

function workOf(ledger: LoadLedger, nowMs: number): { inFlight: number; queued: number } {
  const { inFlight, queued } = ledger.of('po-1', question, nowMs);
  return { inFlight, queued };
}

test('the work of several routers adds up', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 1, on(['ta-1', 2]))] }, 1_000);
  ledger.report({ routerId: 'r2', pools: [load('po-1', 3, 0, on(['ta-1', 1], ['ta-2', 2]))] }, 1_100);
  assert.deepEqual(workOf(ledger, 1_200), { inFlight: 5, queued: 1 });
  assert.equal(ledger.inFlightOf('ta-1', 1_200), 3);
});

test('a report replaces the one before, also for what it leaves out', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 1)] }, 1_000);
  ledger.report({ routerId: 'r1', pools: [] }, 2_000);
  assert.deepEqual(workOf(ledger, 2_000), { inFlight: 0, queued: 0 });
});

test('a router that fell silent stops counting', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 0, on(['ta-1', 2]))] }, 1_000);
  assert.equal(workOf(ledger, 4_499).inFlight, 2);
  assert.equal(workOf(ledger, 4_500).inFlight, 0);
  assert.equal(ledger.inFlightOf('ta-1', 4_500), 0);
  assert.equal(ledger.lastBusyMs('ta-1'), 1_000);
});

test('a wake counts until a report tells more, or for a second', () => {
  const ledger = createLoadLedger();
  ledger.wake('po-1', 3, 1_000);
  assert.equal(workOf(ledger, 1_001).queued, 3);
  assert.equal(workOf(ledger, 2_000).queued, 0);
  ledger.wake('po-1', 3, 3_000);
  ledger.report({ routerId: 'r1', pools: [load('po-1', 1, 0)] }, 3_100);
  assert.deepEqual(workOf(ledger, 3_101), { inFlight: 1, queued: 0 });
});

test('requests that are over before a report still are recent work', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 0, 0, { started: 4 })] }, 1_000);
  assert.equal(ledger.of('po-1', question, 60_999).recentPeak, 1);
  assert.equal(ledger.of('po-1', question, 61_000).recentPeak, 0);
});

test('the peak of the window falls in steps as its parts grow old', () => {
  const ledger = createLoadLedger();
  const at = (inFlight: number, nowMs: number): void =>
    ledger.report({ routerId: 'r1', pools: [load('po-1', inFlight, 0)] }, nowMs);
  at(5, 1_000);
  at(9, 2_000);
  at(3, 3_000);
  at(1, 4_000);
  const peaks = [4_000, 61_999, 62_000, 63_000, 64_000].map((nowMs) => ledger.of('po-1', question, nowMs).recentPeak);
  assert.deepEqual(peaks, [9, 9, 3, 1, 0]);
});

test('a count that never ends is no work once the longest request would be over', () => {
  const ledger = createLoadLedger();
  for (let nowMs = 1_000; nowMs <= 310_000; nowMs += 1_000) {
    ledger.report({ routerId: 'r1', pools: [load('po-1', 1, 0, on(['ta-1', 1]))] }, nowMs);
  }
  assert.equal(workOf(ledger, 300_000).inFlight, 1);
  assert.deepEqual(ledger.of('po-1', question, 310_000), {
    inFlight: 0,
    queued: 0,
    recentPeak: 0,
    isMiscounted: true,
    lastBegunMs: 1_000,
  });
});

test('the load is known from the first report without a gap before it, and again after a long silence', () => {
  const ledger = createLoadLedger();
  assert.equal(ledger.knownSinceMs(500, 1_000), undefined);
  ledger.report({ routerId: 'r1', pools: [] }, 1_000);
  ledger.report({ routerId: 'r1', pools: [] }, 2_000);
  assert.equal(ledger.knownSinceMs(500, 3_000), 1_000);
  assert.equal(ledger.knownSinceMs(1_500, 3_000), 1_500);
  assert.equal(ledger.knownSinceMs(500, 10_000), undefined);
  assert.equal(ledger.knownSinceMs(500, 62_000), 2_000);
  assert.equal(ledger.knownSinceMs(61_000, 62_000), undefined);
  ledger.report({ routerId: 'r1', pools: [] }, 62_500);
  assert.equal(ledger.knownSinceMs(500, 62_501), 62_500);
});
