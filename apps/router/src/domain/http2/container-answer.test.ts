import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTrailers, containerAnswer, interimAnswer } from './container-answer.ts';
import { containerRequest } from './container-request.ts';

const end = 'connection: close\r\n\r\n';
const part = { isWhole: false, isHead: false };

const answers: [
  name: string,
  fields: string[],
  options: typeof part,
  head: string,
  isChunked: boolean,
  bytes?: number,
][] = [
  [
    'a body without a length',
    [':status', '200', 'a', 'b'],
    part,
    'HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n',
    true,
  ],
  [
    'a body with one',
    [':status', '200', 'content-length', '5'],
    part,
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n',
    false,
    5,
  ],
  [
    'no body',
    [':status', '404'],
    { ...part, isWhole: true },
    'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n',
    false,
    0,
  ],
  ['204', [':status', '204'], { ...part, isWhole: true }, 'HTTP/1.1 204 No Content\r\n', false, 0],
  [
    'HEAD',
    [':status', '200', 'content-length', '5'],
    { isWhole: true, isHead: true },
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n',
    false,
    0,
  ],
  [
    'a field twice',
    [':status', '299', 'a', '1', 'a', '2'],
    part,
    'HTTP/1.1 299 \r\na: 1\r\na: 2\r\ntransfer-encoding: chunked\r\n',
    true,
  ],
];
for (const [name, fields, options, head, isChunked, bytes] of answers)
  test(`the answer of a container in HTTP/1.1: ${name}`, () =>
    assert.deepEqual(containerAnswer(fields, options), { head: head + end, isChunked, bytes }));

test('interim answers and trailers', () => {
  assert.equal(interimAnswer([':status', '103', 'link', '</a>']), 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
  assert.equal(answerTrailers(['grpc-status', '0', 'grpc-message', 'a b']), 'grpc-status: 0\r\ngrpc-message: a b\r\n');
});

const requestOf = (head: string) => containerRequest(Buffer.from(`${head}\r\n`));

test('the fields of a request: what frames HTTP/1.1 stays behind', () => {
  const head =
    'POST /a?b HTTP/1.1\r\nhost: h:1\r\nx: 1\r\nX: 2\r\nportico-scheme: https\r\ntransfer-encoding: chunked\r\n';
  assert.deepEqual(requestOf(head), {
    method: 'POST',
    fields: [
      ...[':method', 'POST', ':path', '/a?b', ':scheme', 'https', ':authority', 'h:1'],
      ...['x', '1', 'x', '2', 'portico-scheme', 'https', 'te', 'trailers'],
    ],
    framing: { kind: 'chunked' },
    end: head.length + 2,
  });
});

test('the framing of a request', () => {
  assert.deepEqual(requestOf('GET / HTTP/1.1\r\nhost: h\r\n').framing, { kind: 'length', bytes: 0 });
  assert.deepEqual(requestOf('PUT / HTTP/1.1\r\nhost: h\r\ncontent-length: 7\r\n').framing, {
    kind: 'length',
    bytes: 7,
  });
});
