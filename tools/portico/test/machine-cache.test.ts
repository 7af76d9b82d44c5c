import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { registerInstance, removeUnusedCache } from '../src/adapters/machine-cache.ts';

async function twoInstances(t: TestContext, isNamed: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'portico-cache-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [one, two, cache] = [join(folder, 'one'), join(folder, 'two'), { folder: join(folder, 'cache'), isNamed }];
  for (const home of [one, two]) {
    mkdirSync(home);
    await registerInstance(cache, home);
  }
  return { one, two, cache };
}

test('the cache goes with the last instance that uses it', async (t) => {
  const { one, two, cache } = await twoInstances(t, false);
  await removeUnusedCache(cache, one);
  assert.ok(existsSync(cache.folder));
  await removeUnusedCache(cache, two);
  assert.equal(existsSync(cache.folder), false);
});

test('an instance whose home somebody has deleted does not keep the cache', async (t) => {
  const { one, two, cache } = await twoInstances(t, false);
  rmSync(two, { recursive: true });
  await removeUnusedCache(cache, one);
  assert.equal(existsSync(cache.folder), false);
});

test('a cache that the operator has named stays', async (t) => {
  const { one, two, cache } = await twoInstances(t, true);
  await removeUnusedCache(cache, one);
  await removeUnusedCache(cache, two);
  assert.ok(existsSync(cache.folder));
});
