import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoadLedger } from './load-ledger.ts';

const load = (poolId: string, inFlight: number, queued: number, containers: [string, number][] = []) => ({
  poolId,
  inFlight,
  queued,
  inFlightByContainer: new Map(containers),
});

test('the work of several routers adds up', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 1, [['ta-1', 2]])] }, 1_000);
  ledger.report({ routerId: 'r2', pools: [load('po-1', 3, 0, [['ta-1', 1], ['ta-2', 2]])] }, 1_100);
  assert.deepEqual(ledger.of('po-1', 1_200), { inFlight: 5, queued: 1 });
  assert.equal(ledger.inFlightOf('ta-1', 1_200), 3);
});

test('a report replaces the one before, also for what it leaves out', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 1)] }, 1_000);
  ledger.report({ routerId: 'r1', pools: [] }, 2_000);
  assert.deepEqual(ledger.of('po-1', 2_000), { inFlight: 0, queued: 0 });
});

test('a router that fell silent stops counting', () => {
  const ledger = createLoadLedger();
  ledger.report({ routerId: 'r1', pools: [load('po-1', 2, 0, [['ta-1', 2]])] }, 1_000);
  assert.equal(ledger.of('po-1', 4_499).inFlight, 2);
  assert.equal(ledger.of('po-1', 4_500).inFlight, 0);
  assert.equal(ledger.lastBusyMs('ta-1'), 1_000);
});

test('a wake counts until a report tells more', () => {
  const ledger = createLoadLedger();
  ledger.wake('po-1', 3, 1_000);
  assert.equal(ledger.of('po-1', 1_001).queued, 3);
  ledger.report({ routerId: 'r1', pools: [load('po-1', 1, 0)] }, 1_100);
  assert.deepEqual(ledger.of('po-1', 1_101), { inFlight: 1, queued: 0 });
});
