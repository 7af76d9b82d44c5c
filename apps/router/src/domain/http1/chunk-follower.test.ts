import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkFollower } from './chunk-follower.ts';

/** Follows a body that comes in pieces of the given sizes, the last one repeated; where it ended and what it held. */
function follow(text: string, sizes: readonly number[]): { end: number; content: string } {
  const bytes = Buffer.from(text, 'latin1');
  let content = '';
  const follower = new ChunkFollower((piece, from, to) => {
    content += piece.toString('latin1', from, to);
  });
  let at = 0;
  for (let i = 0; at < bytes.length && !follower.isDone; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? 1;
    const to = Math.min(bytes.length, at + size);
    const end = follower.follow(bytes, at, to);
    if (end < 0) return { end, content };
    assert.ok(end === to || follower.isDone, 'stops only at the end');
    at = end;
  }
  return { end: follower.isDone ? at : Number.NaN, content };
}

const body = '5;ext=1\r\nhello\r\n00B\r\n chunk\r\nabc\r\n0\r\nChecksum: x\r\nOther: y\r\n\r\n';

test('however a body is cut into pieces, it ends at the same byte with the same content', () => {
  const whole = { end: body.length, content: 'hello chunk\r\nabc' };
  for (let size = 1; size <= body.length; size++) assert.deepEqual(follow(`${body}GET /next`, [size]), whole);
  for (let first = 1; first < body.length; first++)
    assert.deepEqual(follow(`${body}GET /next`, [first, body.length]), whole);
});

const malformed = [
  '\r\n',
  ' 5\r\n',
  '5 \r\n',
  '0x5\r\n',
  '5\nhello',
  '5\r\nhelloX',
  '5\r\nhello\rX',
  '1234567890abc\r\n',
  '5;a\nb\r\n',
  '0\r\nA: b\n\r\n',
  '0\r\n\rX',
];

for (const text of malformed) {
  test(`${JSON.stringify(text)} is malformed, in one piece or in many`, () => {
    assert.equal(follow(text, [1]).end, -1);
    assert.equal(follow(text, [text.length]).end, -1);
  });
}

test('what is beside the content has a bound', () => {
  assert.equal(follow(`1;${'x'.repeat(20_000)}\r\n`, [1_000]).end, -1);
  assert.equal(follow(`0\r\n${'A: b\r\n'.repeat(10_000)}`, [1_000]).end, -1);
});
