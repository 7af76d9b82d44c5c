import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@portico/errors';
import { checkedBounds, keyOfTarget } from './limit-names.ts';

const functionKey = (environmentName: string, appName: string, tag: string): string =>
  keyOfTarget({ $case: 'function', value: { environmentName, appName, tag } });

test('every target has a key of its own, and NATS takes it', () => {
  const keys = [
    keyOfTarget({ $case: 'workspace', value: 'local' }),
    functionKey('main', 'shop', 'pay'),
    functionKey('main', 'shop', 'Pay.*'),
    functionKey('main', 'shop.pay', 'x'),
    functionKey('main', 'shop', 'pay.x'),
    functionKey('main.shop', 'pay', 'x'),
    functionKey('main', 'shop', 'pay=2e'),
    functionKey('main', 'shop', 'größe'),
  ];
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^[-/=\w]+$/);
  assert.equal(functionKey('main', 'my-app', 'Cls.*'), 'function/main/my-app/Cls=2e=2a');
});

const bounds: readonly [name: string, request: Parameters<typeof checkedBounds>[0], code: string | undefined][] = [
  ['nothing', {}, 'limit.nothing_to_set'],
  ['a rate of none', { ratePerSecond: 0 }, 'limit.out_of_bounds'],
  ['the least', { ratePerSecond: 1, burst: 1, queueLength: 1 }, undefined],
  ['the most', { ratePerSecond: 10_000_000, burst: 10_000_000, queueLength: 1_000_000 }, undefined],
  ['a burst that is too high', { burst: 10_000_001 }, 'limit.out_of_bounds'],
  ['a queue that is too long', { ratePerSecond: 1, queueLength: 1_000_001 }, 'limit.out_of_bounds'],
];

for (const [name, request, code] of bounds)
  test(`bounds: ${name}`, () => {
    if (code === undefined) assert.deepEqual(checkedBounds(request), request);
    else
      assert.throws(
        () => checkedBounds(request),
        (error) => error instanceof DomainError && error.code === code,
      );
  });
