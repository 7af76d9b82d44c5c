import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../user-error.ts';
import { keysOf, shownName } from './environment-words.ts';

const environments = [
  { name: 'main', currentName: '' },
  { name: 'staging', currentName: 'prod' },
  { name: 'en-1', currentName: 'staging' },
];

test('environments are named as they are called now, and kept by what never changes', () => {
  assert.deepEqual(keysOf(environments, ['main', 'prod', 'staging']), ['main', 'staging', 'en-1']);
  assert.throws(() => keysOf(environments, ['en-1']), UserError);
  assert.deepEqual(
    ['main', 'staging', 'en-1', 'gone'].map((key) => shownName(environments, key)),
    ['main', 'prod', 'staging', 'gone'],
  );
});
