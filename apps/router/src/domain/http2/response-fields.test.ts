import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResponseHead } from '../http1/response-head.ts';
import { responseFields } from './response-fields.ts';

test('an answer has the id of its call once, also when it has it already', () => {
  const head = 'HTTP/1.1 200 OK\r\nmodal-function-call-id: fc-1\r\nConnection: x, close\r\nX: y\r\na: b\r\n\r\n';
  const read = readResponseHead(Buffer.from(head), 0, head.length, true);
  assert.ok(read.kind === 'head');
  const own = ['modal-function-call-id', 'fc-1', 'a', 'b'];
  assert.deepEqual(responseFields(read.head, ''), [':status', '200', ...own]);
  assert.deepEqual(responseFields(read.head, '2'), [':status', '200', ...own, 'modal-function-call-id', 'fc-2']);
});
