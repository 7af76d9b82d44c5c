import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import { basePoolIdOf } from '@portico/ids';
import { createBoundPools, expandPools, servesTheSame, setsInApp } from './bound-pools.ts';

const [ada, bob] = [Buffer.from('ada'), Buffer.from('bob')];
const parameter = (name: string): control.RouteParameter =>
  control.RouteParameter.create({ name, type: control.ParameterType.STRING });
const poolOf = (poolId: string, ...names: string[]): control.PoolSpec =>
  control.PoolSpec.create({ poolId, functionId: 'fu-1', minContainers: 3, parameters: names.map(parameter) });
const inUse =
  (sets: Readonly<Record<string, Buffer[]>>) =>
  (poolId: string): Buffer[] =>
    sets[poolId] ?? [];

test('a class with parameters has a pool for each set of values, and none of its own', () => {
  const classPool = poolOf('po-class', 'name');
  const plain = poolOf('po-plain');
  const expanded = expandPools([classPool, plain], setsInApp([classPool, plain], inUse({ 'po-class': [ada, bob] })));
  assert.deepEqual(
    expanded.map(({ poolId, serializedParams, minContainers }) => [
      basePoolIdOf(poolId),
      serializedParams.toString(),
      minContainers,
    ]),
    [
      ['po-class', 'ada', 0],
      ['po-class', 'bob', 0],
      ['po-plain', '', 3],
    ],
  );
  assert.equal(new Set(expanded.map(({ poolId }) => poolId)).size, 3);
});

test('a new version takes over the sets of the one before, unless its parameters are others', () => {
  const [before, same, other] = [poolOf('po-1', 'name'), poolOf('po-2', 'name'), poolOf('po-3', 'title')];
  const setsOf = (next: control.PoolSpec): string[] =>
    [...setsInApp([next, before], inUse({ 'po-1': [ada] }))(next)].map(String);
  assert.deepEqual([setsOf(same), setsOf(other)], [['ada'], []]);
});

test('only pools of the same values follow each other', () => {
  const [pool] = [poolOf('po-1', 'name')];
  const of = (serializedParams: Buffer): control.PoolSpec => ({ ...pool, serializedParams });
  assert.ok(servesTheSame(of(ada), of(Buffer.from('ada'))));
  assert.ok(!servesTheSame(of(ada), of(bob)));
});

test('sets that nobody asks for are forgotten after a minute', () => {
  const bound = createBoundPools();
  bound.heard('po-1_a', ada, 0);
  bound.heard('po-1_b', bob, 30_000);
  bound.heard('po-1', undefined, 30_000);
  bound.heard('po-2_a', bob, 30_000);
  const known = (): string[] => [...bound.of('po-1')].map(String);
  assert.deepEqual(known(), ['ada', 'bob']);
  bound.sweep(60_000);
  assert.deepEqual(known(), ['bob']);
  bound.sweep(90_000);
  assert.deepEqual(known(), []);
});
