import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heads } from './head-writer.ts';

/** Sends what was written; what it gives are the bytes themselves. */
function sent(isThrough: boolean, copies = false): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  const write = (given: Buffer): boolean => {
    bytes = given;
    return isThrough;
  };
  assert.equal(heads.sendTo({ copies, write }), isThrough);
  return bytes;
}

test('texts and bytes of all sizes are put together in their order, a character for each byte', () => {
  const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 31) & 0xff));
  let expected = '';
  heads.begin();
  for (const length of [0, 1, 15, 16, 17, 300, 20_000, 50_000]) {
    const text = bytes.toString('latin1', 0, length);
    heads.text(text);
    heads.part(bytes, 0, length);
    heads.whole(bytes.subarray(0, length));
    expected += text + text + text;
  }
  assert.equal(sent(true).toString('latin1'), expected);
});

test('what was not sent is not part of the next one', () => {
  heads.begin();
  heads.text('a head that nobody sends');
  heads.begin();
  heads.text('another');
  assert.equal(sent(true).toString(), 'another');
});

test('what a receiver still needs stays as it is; the same bytes are used again for all others', () => {
  const write = (text: string): void => {
    heads.begin();
    heads.text(text);
  };
  write('needed');
  const needed = sent(false);
  write('copied');
  const copied = sent(false, true);
  write('gone');
  const gone = sent(true);
  write('last');
  const last = sent(true);
  assert.equal(needed.toString(), 'needed');
  assert.notEqual(needed.buffer, copied.buffer);
  assert.deepEqual([copied.buffer, gone.buffer], [last.buffer, last.buffer]);
});
