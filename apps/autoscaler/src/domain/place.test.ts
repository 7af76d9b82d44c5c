import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlaceableNode, place } from './place.ts';

const GIB = 1024 ** 3;
const node = (nodeId: string, changes: Partial<PlaceableNode> = {}): PlaceableNode => ({
  nodeId,
  cpuMillis: 2_000,
  memoryBytes: 8 * GIB,
  usedCpuMillis: 0,
  usedMemoryBytes: 0,
  ...changes,
});
const small = { cpuMillis: 125, memoryBytes: GIB };

const cases: [string, PlaceableNode[], { cpuMillis: number; memoryBytes: number }, string | undefined][] = [
  ['no node', [], small, undefined],
  ['the emptier node', [node('a', { usedMemoryBytes: 2 * GIB }), node('b', { usedMemoryBytes: GIB })], small, 'b'],
  ['the first by name when equal', [node('b'), node('a')], small, 'a'],
  [
    'not a node without memory',
    [node('a', { usedMemoryBytes: 8 * GIB }), node('b', { usedCpuMillis: 30_000 })],
    small,
    'b',
  ],
  ['none fits', [node('a', { usedMemoryBytes: 7.5 * GIB })], small, undefined],
  ['too large for any', [node('a')], { cpuMillis: 0, memoryBytes: 9 * GIB }, undefined],
];

for (const [name, nodes, demand, expected] of cases) {
  test(`places on ${name}`, () => assert.equal(place(nodes, demand), expected));
}
