import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCleanText, readFields, wholeNumberOf } from './fields.ts';

test('of longer heads before nothing is kept', () => {
  readFields('a: 1\r\nb: 2\r\nc: 3\r\n', 0, 18);
  const fields = readFields('D: 4\r\n', 0, 6);
  assert.deepEqual(fields, { count: 1, names: ['d', '', ''], values: ['4', '', ''], starts: [0, 6, 12, 18] });
});

test('control characters and line ends that are alone are found, as far as is asked', () => {
  for (const text of ['a\rb', 'a\nb', 'a\0b', '\u007f', 'a\r\r\n', 'a\r\n\n', '\u001f'])
    assert.equal(isCleanText(text), false, JSON.stringify(text));
  for (const text of ['', 'a\tb\r\n', '\u0080\u00ff', '\r\n\r\n']) assert.ok(isCleanText(text), JSON.stringify(text));
  assert.ok(isCleanText('a\r\n\0', 3));
});

test('a whole number is digits only, and exact', () => {
  const numbers: [text: string, number: number | undefined][] = [
    ['0', 0],
    ['007', 7],
    ['999999999999999', 999_999_999_999_999],
    ['1000000000000000', undefined],
    ['', undefined],
    ['+1', undefined],
    ['1 ', undefined],
    ['1e3', undefined],
    ['0x1', undefined],
  ];
  for (const [text, number] of numbers) assert.equal(wholeNumberOf(text), number, text);
});
