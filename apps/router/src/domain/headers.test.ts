import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHeaders, responseHeaders } from './headers.ts';

const by = {
  clientAddress: '192.0.2.7:1234',
  requestId: 'r1',
  traceparent: '00-1-2-01',
  scheme: 'http',
  host: 'a.localhost',
  isPort: false,
} as const;
const names = (flat: string[]): string[] => flat.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
const valuesOf = (flat: string[], name: string): string[] =>
  flat.filter((_, i) => flat[i - 1]?.toLowerCase() === name && i % 2 === 1);

test('what is of one hop, or named so, ends here', () => {
  const flat = requestHeaders(
    ['Host', 'a', 'Connection', 'keep-alive, X-Secret', 'X-Secret', '1', 'TE', 'trailers', 'Accept', '*/*'],
    by,
  );
  assert.deepEqual(
    names(flat).filter((name) => !name.startsWith('portico-') && name !== 'traceparent'),
    ['host', 'accept'],
  );
});

test('forged headers are dropped and ours put in', () => {
  const flat = requestHeaders(
    [
      'Portico-Client-Address',
      '6.6.6.6:1',
      'X-Forwarded-For',
      '6.6.6.6',
      'Modal-Function-Call-Id',
      'fc-x',
      'traceparent',
      'forged',
    ],
    by,
  );
  assert.deepEqual(valuesOf(flat, 'portico-client-address'), ['192.0.2.7:1234']);
  assert.deepEqual(valuesOf(flat, 'x-forwarded-for'), []);
  assert.deepEqual(valuesOf(flat, 'modal-function-call-id'), []);
  assert.deepEqual(valuesOf(flat, 'traceparent'), ['00-1-2-01']);
});

test("a user's own server gets the address as X-Forwarded-For, once", () => {
  const flat = requestHeaders(['X-Forwarded-For', '6.6.6.6'], { ...by, isPort: true });
  assert.deepEqual(valuesOf(flat, 'x-forwarded-for'), ['192.0.2.7']);
});

test('credentials for the router do not reach the container', () => {
  assert.deepEqual(valuesOf(requestHeaders(['Modal-Key', 'wk-1', 'Modal-Secret', 'ws-1'], by), 'modal-secret'), []);
});

test('repeated response headers stay apart', () => {
  const flat = responseHeaders(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Transfer-Encoding', 'chunked'], 'r1');
  assert.deepEqual(valuesOf(flat, 'set-cookie'), ['a=1', 'b=2']);
  assert.deepEqual(names(flat), ['set-cookie', 'set-cookie', 'modal-function-call-id']);
});
