import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failuresAfter, restartDelayMs } from './back-off.ts';

test('the first restart is at once, the next wait longer, never longer than ten seconds', () => {
  assert.deepEqual([1, 2, 3, 4].map(restartDelayMs), [50, 100, 200, 400]);
  assert.equal(restartDelayMs(100), 10_000);
});

test('a process that ran for a while starts over with the waiting', () => {
  assert.equal(failuresAfter(7, 29_999), 8);
  assert.equal(failuresAfter(7, 30_000), 1);
});
