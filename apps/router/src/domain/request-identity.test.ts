import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshTraceparent, nextRequestId, ownTraceparent, validTraceparent } from './request-identity.ts';

/** More than are drawn at once, and than two hex digits count. */
const MANY = 5_000;

test('fresh traces are well formed, unsampled, and each another one', () => {
  const fresh = Array.from({ length: MANY }, freshTraceparent);
  for (const traceparent of fresh) {
    assert.equal(validTraceparent(traceparent), traceparent);
    assert.match(traceparent, /-00$/);
  }
  for (const part of [1, 2]) assert.equal(new Set(fresh.map((each) => each.split('-')[part])).size, MANY);
});

test('a span of the router is in the trace of its client, and as sampled as that is', () => {
  const theirs = '00-0123456789abcdef0123456789abcdef-00000000000000aa-00';
  const own = ownTraceparent(theirs);
  assert.equal(validTraceparent(own), own);
  assert.deepEqual([own.slice(0, 36), own.slice(52)], [theirs.slice(0, 36), '-00']);
  assert.notEqual(own, theirs);
  assert.match(ownTraceparent(undefined), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('the ids of requests are 24 hex digits, in order, and each another one', () => {
  const ids = Array.from({ length: MANY }, nextRequestId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{24}$/);
  assert.deepEqual([...new Set(ids)].sort(), ids);
});
