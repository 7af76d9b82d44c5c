import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageBuilder } from '@portico/contracts';
import { imageIdOf } from './recipe-hash.ts';

const recipe = (changes: Partial<imageBuilder.Recipe> = {}): imageBuilder.Recipe =>
  imageBuilder.Recipe.create({ dockerfileCommands: ['FROM base', 'RUN true'], builderVersion: '2025.06', ...changes });

const file = (path: string, sha256Hex: string) => ({ path, sha256Hex, mode: 0o644 });
const secrets = (...entries: [string, string][]) => recipe({ secretEnvironment: new Map(entries) });

test('an id is an image id', () => assert.match(imageIdOf(recipe()), /^im-[A-Za-z0-9]{22}$/));

const same: [string, imageBuilder.Recipe, imageBuilder.Recipe][] = [
  ['secret values', secrets(['TOKEN', 'a']), secrets(['TOKEN', 'b'])],
  [
    'the order of mounted files',
    recipe({ contextMountFiles: [file('/a', '1'), file('/b', '2')] }),
    recipe({ contextMountFiles: [file('/b', '2'), file('/a', '1')] }),
  ],
  [
    'the order of build arguments',
    recipe({
      buildArgs: new Map([
        ['A', '1'],
        ['B', '2'],
      ]),
    }),
    recipe({
      buildArgs: new Map([
        ['B', '2'],
        ['A', '1'],
      ]),
    }),
  ],
];
for (const [name, a, b] of same) test(`${name} do not count`, () => assert.equal(imageIdOf(a), imageIdOf(b)));

const different: [string, Partial<imageBuilder.Recipe>][] = [
  ['a command', { dockerfileCommands: ['FROM base', 'RUN false'] }],
  ['where a command ends', { dockerfileCommands: ['FROM baseRUN true'] }],
  ['the base', { baseImageIds: ['im-1'] }],
  ['a context file', { contextFiles: [{ name: '/r.txt', data: Buffer.from('x') }] }],
  ['a mounted file', { contextMountFiles: [file('/a', '1')] }],
  ['a mode', { contextMountFiles: [{ ...file('/a', '1'), mode: 0o755 }] }],
  ['the name of a secret', { secretEnvironment: new Map([['TOKEN', '']]) }],
  ['the builder version', { builderVersion: '2026.10' }],
];
for (const [name, changes] of different)
  test(`${name} counts`, () => assert.notEqual(imageIdOf(recipe(changes)), imageIdOf(recipe())));
