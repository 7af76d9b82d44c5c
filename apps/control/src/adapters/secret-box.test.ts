import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretBoxOf } from './secret-box.ts';

const box = secretBoxOf(Buffer.alloc(32, 1));
const values = new Map([
  ['TOKEN', 'sesame'],
  ['__proto__', 'x'],
]);

test('what was sealed is opened again', () => assert.deepEqual(box.open(box.seal(values)), values));
test('what is sealed does not show', () => assert.ok(!box.seal(values).includes('sesame')));
test('two seals of the same differ', () => assert.notDeepEqual(box.seal(values), box.seal(values)));
test('a changed byte is noticed', () => {
  const sealed = box.seal(values);
  sealed[20] = (sealed[20] ?? 0) ^ 1;
  assert.throws(() => box.open(sealed));
});
test('another key does not open it', () =>
  assert.throws(() => secretBoxOf(Buffer.alloc(32, 2)).open(box.seal(values))));
test('equal contents have equal hashes, whatever the order', () => {
  assert.equal(box.hashOf(values), box.hashOf(new Map([...values].reverse())));
  assert.notEqual(box.hashOf(new Map([['A', '1']])), box.hashOf(new Map([['A', '2']])));
});
