import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { appOf, poolOf, simulatedPlatform } from './simulated-platform.ts';

const soon = { deadlineMs: 5_000 };

test('a new version starts at once and the old one goes only when the new one is ready', async () => {
  await using platform = await simulatedPlatform();
  const [old, next] = [poolOf('po-1'), poolOf('po-2')];
  await platform.live.put('ap-1', appOf(1, [old]));
  await using _scaler = await platform.scaler();
  platform.wake('po-1', 2);
  platform.routerSays({ poolId: 'po-1', inFlight: 2, started: 1 });
  await eventually('two old ones run', () => platform.running('po-1').length === 2);
  const inFlightByContainer = new Map(platform.running('po-1').map((id) => [id, 1]));
  platform.routerSays({ poolId: 'po-1', inFlight: 2, started: 1, inFlightByContainer });
  await eventually(
    'their work is known',
    async () => (await platform.client.describePools({}, soon)).pools[0]?.inFlight === 2,
  );
  platform.behaves('po-2', 'starts');
  await platform.live.put('ap-1', appOf(2, [next], [old]));
  await eventually('as many new ones are placed', () => platform.running('po-2').length === 2, { withinMs: 1_000 });
  assert.equal(platform.running('po-1').length, 2);
  platform.behaves('po-3', 'ready');
  await platform.live.put('ap-1', appOf(3, [poolOf('po-3')], [old, next]));
  await eventually(
    'once a successor is ready the others go',
    () => platform.running('po-1').length === 0 && platform.running('po-2').length === 0,
  );
  assert.ok(platform.running('po-3').length > 0);
});

test('a restarted autoscaler takes over what is placed, and drains nothing before it has heard of load', async () => {
  await using platform = await simulatedPlatform();
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1')]));
  let before: string[];
  {
    await using _first = await platform.scaler();
    platform.wake('po-1', 2);
    before = await eventually(
      'two are placed',
      () => platform.running('po-1').length === 2 && platform.running('po-1'),
    );
  }
  await using _second = await platform.scaler();
  // No router speaks: the window is long over, and still nothing may be taken for idle.
  const reason = await eventually('it says what it waits for', async () => {
    const [pool] = (await platform.client.describePools({}, soon)).pools;
    return pool?.ready === 2 && pool.reason;
  });
  assert.equal(reason, 'waits to hear from the routers');
  platform.routerSays({
    poolId: 'po-1',
    inFlight: 1,
    started: 1,
    inFlightByContainer: new Map([[before[0] ?? '', 1]]),
  });
  await eventually('the idle one goes', () => platform.running('po-1').length === 1, { withinMs: 15_000 });
  assert.deepEqual(platform.running('po-1'), [before[0]]);
});

test('containers outlive NATS, and scaling goes on when it is back', async () => {
  await using platform = await simulatedPlatform();
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1', { minContainers: 2 })]));
  await using _scaler = await platform.scaler();
  const before = await eventually(
    'two are placed',
    () => platform.running('po-1').length === 2 && platform.running('po-1'),
  );
  await platform.server.kill();
  await platform.server.start();
  await eventually('a wake is heard again', () => {
    platform.wake('po-1', 3);
    return platform.running('po-1').length === 3;
  });
  for (const id of before) assert.ok(platform.running('po-1').includes(id), `${id} still runs`);
});
