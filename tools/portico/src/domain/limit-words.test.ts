import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../user-error.ts';
import { numberOf, targetOf } from './limit-words.ts';

test('a target is the workspace or a function of an app', () => {
  assert.deepEqual(targetOf('workspace', '', 'local').target, { $case: 'workspace', value: 'local' });
  assert.deepEqual(targetOf('shop/pay', 'staging', 'local').target, {
    $case: 'function',
    value: { environmentName: 'staging', appName: 'shop', tag: 'pay' },
  });
  for (const words of ['', 'shop', 'shop/', '/pay', 'shop/pay/now'])
    assert.throws(() => targetOf(words, '', 'local'), UserError, words);
  assert.throws(() => targetOf('workspace', 'staging', 'local'), /all environments/);
});

test('a bound is a whole number', () => {
  assert.equal(numberOf('rate', undefined), undefined);
  assert.equal(numberOf('rate', '200'), 200);
  for (const word of ['', '-1', '1.5', '1e3', 'many', '9999999999'])
    assert.throws(() => numberOf('rate', word), /--rate must be a whole number/, word);
});
