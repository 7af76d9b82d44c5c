import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import { currentNameOf, findEnvironment, renamed, withoutFormerName } from './environments.ts';

const made = (name: string): control.Environment => control.Environment.create({ name });

test('a renamed environment has its new name, is found by all that it had, and keeps what its data is under', () => {
  const environment = renamed(renamed(made('staging'), 'prod'), 'live');
  assert.equal(currentNameOf(environment), 'live');
  assert.equal(environment.name, 'staging');
  for (const name of ['staging', 'prod', 'live']) assert.equal(findEnvironment([environment], name), environment, name);
  assert.equal(findEnvironment([environment], 'other'), undefined);
});

test('a name that goes back and forth is never both', () => {
  const environment = renamed(renamed(renamed(made('a'), 'b'), 'a'), 'b');
  assert.equal(currentNameOf(environment), 'b');
  assert.deepEqual(environment.formerNames, ['a']);
});

test('who has a name now comes before who had it, and takes it over for good', () => {
  const old = renamed(made('staging'), 'prod');
  const fresh = control.Environment.create({ name: 'en-1', currentName: 'staging' });
  assert.equal(findEnvironment([old, fresh], 'staging'), fresh);
  const left = withoutFormerName(old, 'staging');
  assert.ok(left);
  assert.equal(findEnvironment([left], 'staging'), undefined);
  assert.equal(findEnvironment([left], 'prod'), left);
  assert.equal(withoutFormerName(left, 'staging'), undefined);
});
