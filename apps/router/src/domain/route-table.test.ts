import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import { createRouteTable } from './route-table.ts';

const { RUNNING, STOPPED } = control.AppState;

function app(appId: string, state: control.AppState, claimedAt: number, hosts = ['a.localhost']): control.LiveApp {
  const poolId = `po-${appId}`;
  return control.LiveApp.create({
    appId,
    state,
    pools: [control.PoolSpec.create({ poolId })],
    routes: hosts.map((host) => control.Route.create({ host, poolId, claimedAt })),
  });
}

const poolAt = (table: ReturnType<typeof createRouteTable>, host = 'a.localhost'): string => {
  const found = table.find(host);
  return found.kind === 'route' ? found.pool.poolId : found.kind;
};

test('a host leads to its pool, any other to nothing', () => {
  const table = createRouteTable();
  table.apply('1', app('1', RUNNING, 1));
  assert.equal(poolAt(table), 'po-1');
  assert.equal(poolAt(table, 'b.localhost'), 'unknown');
});

test('a stopped app is told apart until it is removed', () => {
  const table = createRouteTable();
  table.apply('1', app('1', STOPPED, 1));
  assert.equal(poolAt(table), 'stopped');
  table.apply('1', undefined);
  assert.equal(poolAt(table), 'unknown');
});

test('a running app wins over a stopped one, and the newer claim over the older', () => {
  const table = createRouteTable();
  table.apply('old', app('old', STOPPED, 9));
  table.apply('1', app('1', RUNNING, 1));
  assert.equal(poolAt(table), 'po-1');
  table.apply('2', app('2', RUNNING, 2));
  assert.equal(poolAt(table), 'po-2');
  table.apply('2', undefined);
  assert.equal(poolAt(table), 'po-1');
});

test('a host that a new version no longer has is gone', () => {
  const table = createRouteTable();
  table.apply('1', app('1', RUNNING, 1, ['a.localhost', 'b.localhost']));
  table.apply('1', app('1', RUNNING, 1, ['b.localhost']));
  assert.equal(poolAt(table, 'a.localhost'), 'unknown');
  assert.equal(poolAt(table, 'b.localhost'), 'po-1');
});
