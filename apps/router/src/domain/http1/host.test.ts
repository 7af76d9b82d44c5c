import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOf } from './host.ts';

const table: [written: string, host: string | undefined][] = [
  ['a.localhost', 'a.localhost'],
  ['A.LocalHost:8080', 'a.localhost'],
  ['a.localhost.', 'a.localhost'],
  ['a.localhost.:80', 'a.localhost'],
  ['a:', 'a'],
  ['127.0.0.1:7', '127.0.0.1'],
  ['[::1]', '[::1]'],
  ['[::1]:8080', '[::1]'],
  ['', undefined],
  [':80', undefined],
  ['a b', undefined],
  ['a\tb', undefined],
  ['a/b', undefined],
  ['a@b', undefined],
  ['a:b', undefined],
  ['a:80:80', undefined],
  ['a:123456', undefined],
  ['::1', undefined],
  ['[::1', undefined],
  ['a\u00e4', undefined],
];

for (const [written, host] of table)
  test(`${JSON.stringify(written)} is ${host ?? 'no host'}`, () => assert.equal(hostOf(written), host));

test('hosts are told apart however often they come, and the same one is the same string', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `local--app-${i}-${i % 7}.example`);
  for (let round = 0; round < 3; round++)
    for (const name of names) {
      assert.equal(hostOf(name), name);
      assert.equal(hostOf(`${name.toUpperCase()}:8080`), name);
    }
});
