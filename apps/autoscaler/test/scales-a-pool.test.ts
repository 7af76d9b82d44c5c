import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoscaler, control } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { appOf, poolOf, simulatedPlatform } from './simulated-platform.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const soon = { deadlineMs: 5_000 };

test('a wake starts as many as wait, within max_containers, at once; all go when there is no work', async () => {
  await using platform = await simulatedPlatform();
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1', { maxContainers: 5 })]));
  await using _scaler = await platform.scaler();
  platform.routerSays();
  platform.wake('po-1', 30, trace);
  await eventually('five containers are placed', () => platform.running('po-1').length === 5, { withinMs: 1_000 });
  platform.routerSays({ poolId: 'po-1', inFlight: 5, queued: 25, started: 5 });
  const { pools } = await platform.client.describePools({}, soon);
  assert.equal(pools[0]?.reason, 'limited to 5');
  const traced = [...platform.placements.entries()].filter(([, placement]) =>
    placement.traceparent.includes(trace.slice(3, 35)),
  );
  assert.equal(traced.length, 1);
  platform.routerSays();
  await eventually('nothing is placed any more', () => platform.placements.size === 0, { withinMs: 15_000 });
});

test('work too short to be seen running keeps its container', async () => {
  await using platform = await simulatedPlatform();
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1'), poolOf('po-2', { functionId: 'fu-2' })]));
  await using _scaler = await platform.scaler();
  platform.wake('po-1', 1);
  platform.wake('po-2', 1);
  await eventually(
    'both are placed',
    () => platform.running('po-1').length === 1 && platform.running('po-2').length === 1,
  );
  platform.routerSays({ poolId: 'po-1', started: 3 });
  await eventually('the one without work goes', () => platform.running('po-2').length === 0, { withinMs: 15_000 });
  assert.equal(platform.running('po-1').length, 1);
});

test('a failing start is tried again ever later, and DescribePools tells', async () => {
  await using platform = await simulatedPlatform();
  platform.behaves('po-1', 'fails');
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1', { minContainers: 3 })]));
  await using _scaler = await platform.scaler();
  const seen = new Set<string>();
  const started = Date.now();
  const pool = await eventually('two tries have failed', async () => {
    for (const [, { containerId }] of platform.placements.entries()) seen.add(containerId);
    const [status] = (await platform.client.describePools({}, soon)).pools;
    return status?.failedStarts === 2 && status;
  });
  assert.ok(Date.now() - started >= 1_000, 'the second try came only after a second');
  assert.ok(seen.size <= 4, `three at first, then one: ${seen.size}`);
  assert.match(pool.reason, /^2 starts have failed: next try in [12] s$/);
  platform.behaves('po-1', 'ready');
  await platform.live.put('ap-1', appOf(2, [poolOf('po-1', { minContainers: 3 })]));
  await eventually('a new deployment is tried at once', () => platform.running('po-1').length === 3, {
    withinMs: 1_000,
  });
});

test('a stopped container is replaced while its pool wants it, and a stopped app loses all', async () => {
  await using platform = await simulatedPlatform();
  await platform.live.put('ap-1', appOf(1, [poolOf('po-1', { minContainers: 1 })]));
  await using _scaler = await platform.scaler();
  const first = await eventually('one is placed', () => platform.running('po-1')[0]);
  await platform.client.stopContainer({ containerId: first, graceful: true, reason: '' }, soon);
  await eventually('another one is placed', () => platform.running('po-1').some((id) => id !== first));
  const unknown = autoscaler.StopContainerRequest.create({ containerId: 'ta-none' });
  await assert.rejects(platform.client.stopContainer(unknown, soon), { kind: 'not-found' });
  await platform.client.overrideSettings({ functionId: 'fu-1', minContainers: 2 }, soon);
  await eventually('the override counts', () => platform.running('po-1').length === 2);
  await platform.live.put('ap-1', {
    ...appOf(1, [poolOf('po-1', { minContainers: 1 })]),
    state: control.AppState.STOPPED,
  });
  await eventually('nothing is placed any more', () => platform.placements.size === 0);
});
