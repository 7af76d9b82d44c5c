import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferenceOf, seedOf } from './affinity.ts';

const containers = Array.from({ length: 8 }, (_, i) => `ct-${i}`);
const keys = Array.from({ length: 4_000 }, (_, i) => String(i));

function preferredOf(key: string, ids: readonly string[]): string {
  const seed = seedOf(key);
  return ids.reduce((best, id) => (preferenceOf(seed, id) > preferenceOf(seed, best) ? id : best));
}

test('keys are spread evenly over the containers', () => {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const id = preferredOf(key, containers);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const fair = keys.length / containers.length;
  for (const id of containers) assert.ok(Math.abs((counts.get(id) ?? 0) - fair) < fair / 4, `${id}: ${counts.get(id)}`);
});

test('a container that goes moves only the keys that were its own', () => {
  const [gone, ...rest] = containers;
  for (const key of keys) {
    const before = preferredOf(key, containers);
    if (before !== gone) assert.equal(preferredOf(key, rest), before);
  }
});
