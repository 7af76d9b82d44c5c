import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsOfFunction, boundsOfWorkspace } from './bounds.ts';

const defaults = { ratePerSecond: 200, rateBurst: 1_000, queueMax: 2_000 };

const ofWorkspace: readonly [
  name: string,
  set: Parameters<typeof boundsOfWorkspace>[0],
  routers: number,
  perSecond: number,
  share: { perSecond: number; burst: number },
  queueMax: number,
][] = [
  ['nothing set', undefined, 1, 200, { perSecond: 200, burst: 1_000 }, 2_000],
  ['a rate alone brings five seconds of it', { ratePerSecond: 10 }, 1, 10, { perSecond: 10, burst: 50 }, 2_000],
  ['a burst alone keeps the rate', { burst: 7 }, 1, 200, { perSecond: 200, burst: 7 }, 2_000],
  ['both', { ratePerSecond: 10, burst: 7 }, 1, 10, { perSecond: 10, burst: 7 }, 2_000],
  ['a queue alone', { queueLength: 3 }, 1, 200, { perSecond: 200, burst: 1_000 }, 3],
  ['two routers', undefined, 2, 200, { perSecond: 100, burst: 500 }, 2_000],
  ['a part that is no whole number', { ratePerSecond: 10, burst: 7 }, 4, 10, { perSecond: 2.5, burst: 1.75 }, 2_000],
  ['more routers than requests', { ratePerSecond: 2, burst: 3 }, 8, 2, { perSecond: 1, burst: 1 }, 2_000],
];

for (const [name, set, routers, perSecond, share, queueMax] of ofWorkspace)
  test(`a workspace: ${name}`, () =>
    assert.deepEqual(boundsOfWorkspace(set, defaults, routers), { rate: { perSecond, share }, queueMax }));

test('a function has what is set for it, and nothing else', () => {
  assert.deepEqual(boundsOfFunction({ queueLength: 4 }, 2), { rate: undefined, queueMax: 4 });
  assert.deepEqual(boundsOfFunction({ ratePerSecond: 6 }, 2), {
    rate: { perSecond: 6, share: { perSecond: 3, burst: 15 } },
    queueMax: undefined,
  });
});
