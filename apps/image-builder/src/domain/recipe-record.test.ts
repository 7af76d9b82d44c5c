import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageBuilder } from '@portico/contracts';
import { imageIdOf } from './recipe-hash.ts';
import { isShareable, isWhole, recipeToKeep } from './recipe-record.ts';

const recipe = (changes: Partial<imageBuilder.Recipe> = {}): imageBuilder.Recipe =>
  imageBuilder.Recipe.create({ dockerfileCommands: ['FROM debian:12'], builderVersion: '2025.06', ...changes });

const wholeAfterKeeping = (given: imageBuilder.Recipe): boolean => {
  const kept = recipeToKeep(given);
  return isWhole(kept, imageIdOf(kept) === imageIdOf(given));
};

test('a plain recipe is kept whole', () => assert.ok(wholeAfterKeeping(recipe())));

test('values of secrets and passwords are not kept, and such a recipe is not whole any more', () => {
  const given = recipe({
    secretEnvironment: new Map([['TOKEN', 'hidden']]),
    registryAuth: { username: 'me', password: 'hidden' },
  });
  const kept = recipeToKeep(given);
  assert.doesNotMatch(Buffer.from(imageBuilder.Recipe.encode(kept).finish()).toString('latin1'), /hidden/);
  assert.equal(wholeAfterKeeping(given), false);
});

test('files that are too large for a record are not kept', () => {
  const given = recipe({ contextFiles: [{ name: '/uv.lock', data: Buffer.alloc(2_000_000, 'x') }] });
  assert.ok(imageBuilder.Recipe.encode(recipeToKeep(given)).finish().length < 1_000);
  assert.equal(wholeAfterKeeping(given), false);
});

const shared: [string, Partial<imageBuilder.Recipe>, boolean][] = [
  ["the client's own recipe", { isGlobal: true }, true],
  ["a user's recipe", {}, false],
  ['one with a secret', { isGlobal: true, secretEnvironment: new Map([['A', 'b']]) }, false],
  ['one with files', { isGlobal: true, contextMountFiles: [{ path: '/a', sha256Hex: '', mode: 0 }] }, false],
  ['one on top of another image', { isGlobal: true, baseImageIds: ['im-1'] }, false],
];
for (const [name, changes, expected] of shared) {
  test(`${name} is ${expected ? '' : 'not '}shared`, () => assert.equal(isShareable(recipe(changes)), expected));
}

test('who may share an image does not change its id', () =>
  assert.equal(imageIdOf(recipe({ isGlobal: true })), imageIdOf(recipe())));
