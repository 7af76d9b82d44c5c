import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareSeries, listFor, missingPin, pinsFor, relaxed } from './requirements.ts';

const FILE = `
# made by hand
aiohttp==3.12.7 ; python_version < "3.14"
aiohttp==3.13.2 ; python_version == "3.14"
aiohttp==3.14.4 ; python_version >= "3.15"
async-timeout==5.0.1 ; python_version < "3.11"
certifi==2026.10.19
colorama==0.4 ; sys_platform == "win32"
`;

const series: [string, string[]][] = [
  ['3.10', ['aiohttp==3.12.7', 'async-timeout==5.0.1', 'certifi==2026.10.19']],
  ['3.11', ['aiohttp==3.12.7', 'certifi==2026.10.19']],
  ['3.14', ['aiohttp==3.13.2', 'certifi==2026.10.19']],
  ['3.15', ['aiohttp==3.14.4', 'certifi==2026.10.19']],
];
for (const [python, expected] of series) {
  test(`the pins of ${python}`, () =>
    assert.deepEqual(
      pinsFor(FILE, python).map((pin) => pin.requirement),
      expected,
    ));
}

test('3.9 is before 3.10', () => assert.ok(compareSeries('3.9', '3.10') < 0));

test('a pin that is not to be had gives way step by step', () => {
  const pins = pinsFor(FILE, '3.11');
  const missing = missingPin('ERROR: No matching distribution found for certifi==2026.10.19\n', pins);
  assert.equal(missing?.name, 'certifi');
  const once = relaxed({ name: 'certifi', requirement: 'certifi==2026.10.19' });
  assert.equal(once.requirement, 'certifi<=2026.10.19');
  assert.equal(relaxed(once).requirement, 'certifi');
});

const lists: [string, string[], string, string | undefined][] = [
  ['its own', ['2024.10.txt', '2025.06.txt', 'PREVIEW.txt'], '2025.06', '2025.06.txt'],
  ['the newest it knows', ['2023.12.txt', '2023.12.312.txt', '2024.10.txt', 'PREVIEW.txt'], '2026.10', '2024.10.txt'],
  ['the preview', ['2024.10.txt', 'PREVIEW.txt'], 'PREVIEW', 'PREVIEW.txt'],
  ['none', ['README.md'], '2025.06', undefined],
];
for (const [name, files, builder, expected] of lists) {
  test(`a client gets ${name} list for ${builder}`, () => assert.equal(listFor(files, builder), expected));
}
