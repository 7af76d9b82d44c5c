import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLiveRouters } from './live-routers.ts';

const SECOND = 1_000;

test('routers count each other, and who is silent for more than three reports is gone', () => {
  const routers = createLiveRouters('a');
  assert.equal(routers.count, 1);
  routers.heard('a', 0);
  routers.heard('b', 10);
  routers.heard('c', 20);
  assert.equal(routers.count, 3);
  for (let second = 1; second <= 3; second++) {
    routers.heard('a', second * SECOND);
    routers.heard('b', second * SECOND + 10);
  }
  assert.equal(routers.count, 3);
  routers.heard('a', 4 * SECOND);
  assert.equal(routers.count, 2);
  routers.heard('c', 4 * SECOND + 20);
  assert.equal(routers.count, 3);
});

test('reports that come in quick succession make nobody older', () => {
  const routers = createLiveRouters('a');
  routers.heard('b', 0);
  for (let i = 0; i < 100; i++) routers.heard('a', i * 20);
  assert.equal(routers.count, 2);
});

test('while nothing at all is heard, all are taken to be there, and so right after it', () => {
  const routers = createLiveRouters('a');
  routers.heard('a', 0);
  routers.heard('b', 10);
  routers.heard('a', 3_600 * SECOND);
  routers.heard('a', 3_601 * SECOND);
  assert.equal(routers.count, 2);
});

test('a clock that jumps back makes nobody younger or older', () => {
  const routers = createLiveRouters('a');
  routers.heard('a', 9 * SECOND);
  routers.heard('b', 9 * SECOND);
  routers.heard('a', 0);
  for (let second = 1; second <= 3; second++) routers.heard('a', second * SECOND);
  assert.equal(routers.count, 2);
  routers.heard('a', 4 * SECOND);
  assert.equal(routers.count, 1);
});
