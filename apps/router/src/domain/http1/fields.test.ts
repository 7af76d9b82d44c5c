import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BAD_CHARACTER, BAD_LINE, fields, readFields, UNFINISHED, wholeNumberOf } from './fields.ts';

const FIRST = 'GET / HTTP/1.1\r\n';

/** Where the lines behind a first line end, or why that is not known. */
function read(lines: string, to?: number): number {
  const bytes = Buffer.from(`--${FIRST}${lines}`, 'latin1');
  return readFields(bytes, 2, 2 + FIRST.length, to ?? bytes.length);
}

/** Names and values by turns, as they were read last. */
function all(): string[] {
  return Array.from({ length: fields.count }, (_, i) => [fields.name(i), fields.value(i)]).flat();
}

test('lines are read as far as the empty one, with names in small letters and values without spaces around them', () => {
  const lines = 'Host:a\r\nX-A:  b c \r\nEmpty:\r\ncontent-LENGTH: 4\r\n';
  assert.equal(read(`${lines}\r\nmore`), 2 + FIRST.length + lines.length + 2);
  assert.equal(fields.text, `${FIRST}${lines}\r\n`);
  assert.deepEqual(all(), ['host', 'a', 'x-a', 'b c', 'empty', '', 'content-length', '4']);
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => fields.heeded(i)?.text),
    ['host', undefined, undefined, 'content-length'],
  );
});

test('lines go on as they were written, without those that are dropped', () => {
  const lines = ['Host:a\r\n', 'X-A:  b c \r\n', 'Empty:\r\n', 'content-LENGTH: 4\r\n'];
  const all = [...lines.keys()];
  for (let dropped = 0; dropped < 1 << lines.length; dropped++) {
    const drops = (i: number): boolean => (dropped & (1 << i)) !== 0;
    const kept = all.filter((i) => !drops(i)).map((i) => lines[i]);
    for (const first of [FIRST, '']) {
      read(`${lines.join('')}\r\nmore`);
      assert.equal(fields.textWithout(drops, first !== ''), [first, ...kept].join(''), `${dropped}`);
    }
    const bytes = Buffer.from(`${FIRST}${lines.join('')}\r\nmore`);
    const end = readFields(bytes, 0, FIRST.length, bytes.length);
    const from = fields.joinWithout(drops);
    assert.equal(bytes.toString('latin1', from, end), `${kept.join('')}\r\n`, `${dropped}`);
    assert.equal(bytes.toString('latin1', 0, FIRST.length) + bytes.toString('latin1', end), `${FIRST}more`);
  }
});

test('a head without lines has none, whatever was read before it', () => {
  read('a: 1\r\nb: 2\r\n\r\n');
  assert.ok(read('\r\n') > 0);
  assert.deepEqual(all(), []);
  assert.equal(
    fields.textWithout(() => false, false),
    '',
  );
});

test('wherever lines break off, more bytes are needed', () => {
  const lines = 'Host: a\r\nx: \r\n\r\n';
  for (let to = 2 + FIRST.length; to < 2 + FIRST.length + lines.length; to++)
    assert.equal(read(lines, to), UNFINISHED, `${to}`);
});

test('control characters and line ends that are alone are found, before the head is whole', () => {
  for (const text of [
    'a:b\rc',
    'a:b\nc',
    'a:\0',
    'a:\u007f',
    'a:b\r\r\n',
    'a:\u001f',
    '\rb',
    'a\n',
    'a\r\n',
    '\0a:b\r\n',
  ])
    assert.equal(read(text), BAD_CHARACTER, JSON.stringify(text));
  for (const text of ['a:b\tc\r\n\r\n', 'a:\u0080\u00ff\r\n\r\n']) assert.ok(read(text) > 0, JSON.stringify(text));
});

test('a name is a token with a colon right behind it', () => {
  for (const text of [': a', 'a b: c', 'a :b', ' a: b', 'a\u00e9:b', 'a(: b', '\ta: b'])
    assert.equal(read(text), BAD_LINE, JSON.stringify(text));
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
