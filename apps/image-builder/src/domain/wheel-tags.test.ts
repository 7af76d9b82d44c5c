import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishedVersion, synchronicityOf, wheelTargetOf } from './wheel-tags.ts';

test('what pip is told for an image of glibc', () => {
  assert.deepEqual(wheelTargetOf('cp311-manylinux', 'x64'), {
    pythonVersion: '3.11',
    abi: 'cp311',
    platforms: ['manylinux_2_17_x86_64', 'manylinux_2_28_x86_64'],
  });
});

test('what pip is told for a free-threaded Python on musl', () => {
  const target = wheelTargetOf('cp314t-musllinux', 'arm64');
  assert.deepEqual(target, {
    pythonVersion: '3.14',
    abi: 'cp314t',
    platforms: ['musllinux_1_1_aarch64', 'musllinux_1_2_aarch64'],
  });
});

const versions: [string, string | undefined][] = [
  ['1.6.4', '1.6.4'],
  ['1.0.0', '1.0.0'],
  ['1.3.1.dev4', '1.3.1.dev4'],
  ['1.6.4+abcdef', '1.6.4'],
  ['2.0.0rc1', '2.0.0rc1'],
  ['1.0; rm -rf /', undefined],
  ['--index-url=x', undefined],
  ['', undefined],
];
for (const [given, expected] of versions)
  test(`the published version of ${given}`, () => assert.equal(publishedVersion(given), expected));

test('a client says which synchronicity it needs', () => {
  assert.equal(synchronicityOf('Requires-Dist: rich\nRequires-Dist: synchronicity~=0.12.7\n'), 'synchronicity~=0.12.7');
  assert.equal(
    synchronicityOf('Requires-Dist: synchronicity (~=0.9.10) ; python_version > "3"\n'),
    'synchronicity~=0.9.10',
  );
});
