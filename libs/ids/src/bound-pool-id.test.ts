import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basePoolIdOf, boundPoolId } from './bound-pool-id.ts';
import { idOfHash } from './ids.ts';

test('a pool with values has an id of its own, and tells of which pool it is', () => {
  const poolId = idOfHash('pool', Buffer.alloc(32, 'x'));
  const [ada, bob] = [boundPoolId(poolId, Buffer.alloc(32, 'a')), boundPoolId(poolId, Buffer.alloc(32, 'b'))];
  assert.equal(ada, boundPoolId(poolId, Buffer.alloc(32, 'a')));
  assert.equal(new Set([poolId, ada, bob]).size, 3);
  assert.match(ada, /^[\w-]+$/);
  assert.deepEqual([ada, bob, poolId].map(basePoolIdOf), [poolId, poolId, poolId]);
});
