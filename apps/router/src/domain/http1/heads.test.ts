import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequestHead } from './request-head.ts';
import { readResponseHead } from './response-head.ts';

/** Something else stands before and behind a head: neither is looked at. */
const [BEFORE, BEHIND] = ['\0\0', '\0\0'];

const requests = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /x?y=1 HTTP/1.0\r\nhost:a:80\r\nContent-Length: 12\r\nX:\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nUser-Agent: b c\r\nHost: a.\r\nTransfer-Encoding: chunked\r\n\r\n',
];
const responses = [
  'HTTP/1.1 204\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n',
  'HTTP/1.0 404 Not here\r\nA: b\r\nConnection: keep-alive\r\n\r\n',
];

for (const head of requests)
  test(`a request is read when its head is whole, and not before: ${JSON.stringify(head)}`, () => {
    const bytes = Buffer.from(BEFORE + head + BEHIND);
    const whole = BEFORE.length + head.length;
    for (let to = BEFORE.length; to < whole; to++)
      assert.equal(readRequestHead(bytes, BEFORE.length, to).kind, 'unfinished', `${to}`);
    for (const to of [whole, bytes.length]) {
      const read = readRequestHead(Buffer.from(bytes), BEFORE.length, to);
      assert.ok(read.kind === 'head' && read.end === whole && read.head.host === 'a');
    }
  });

for (const head of responses)
  test(`an answer is read when its head is whole, and not before: ${JSON.stringify(head)}`, () => {
    const bytes = Buffer.from(BEFORE + head + BEHIND);
    const whole = BEFORE.length + head.length;
    for (let to = BEFORE.length; to < whole; to++)
      assert.equal(readResponseHead(bytes, BEFORE.length, to, true).kind, 'unfinished', `${to}`);
    for (const to of [whole, bytes.length]) {
      const read = readResponseHead(Buffer.from(bytes), BEFORE.length, to, true);
      assert.ok(read.kind === 'head' && read.end === whole);
    }
  });

const malformedResponses: [what: string, head: string][] = [
  ['another protocol', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['no HTTP', 'ICY 200 OK\r\n\r\n'],
  ['a status that is none', 'HTTP/1.1 2x0 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['a status of 600', 'HTTP/1.1 600 OK\r\n\r\n'],
  ['a control character in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
  ['a line that ends with LF', 'HTTP/1.1 200 OK\n\r\n\r\n'],
  ['lengths that differ', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
  ['a length that is written in two ways', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 05\r\n\r\n'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n'],
  ['a length and a coding', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['two codings', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['another coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n'],
];

for (const [what, head] of malformedResponses)
  test(`an answer with ${what} is malformed`, () =>
    assert.equal(readResponseHead(Buffer.from(head, 'latin1'), 0, head.length, true).kind, 'malformed'));

test('an answer that repeats its length has that length', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\nContent-Length: 7\r\n\r\n';
  const read = readResponseHead(Buffer.from(head), 0, head.length, true);
  assert.deepEqual(read.kind === 'head' && read.head.framing, { kind: 'length', bytes: 7 });
});
