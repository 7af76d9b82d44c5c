import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnvironment } from './env.ts';

const problemOf = (value: string): string | undefined => {
  const env = readEnvironment({ NAME: value });
  env.hostPart('NAME', 'local');
  try {
    env.done();
    return undefined;
  } catch (error) {
    return String(error);
  }
};

for (const value of ['', 'local', 'a', '0', 'a-b-c', 'xn-a', 'a'.repeat(32)])
  test(`"${value}" begins a host name`, () => assert.equal(problemOf(value), undefined));

for (const value of ['-', 'a-', '-a', 'a--b', 'A', 'a_b', 'ä', 'a.b', 'xn', 'a'.repeat(33)])
  test(`"${value}" does not begin a host name, and NAME is named`, () =>
    assert.match(problemOf(value) ?? '', /NAME must/));
