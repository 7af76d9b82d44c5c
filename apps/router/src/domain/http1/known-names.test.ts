import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownName, knownNameIn } from './known-names.ts';

const inBytes = (text: string) => knownNameIn(Buffer.from(`--${text}--`), 2, 2 + text.length);

test('a name is known in letters of any size, and from its text', () => {
  for (const text of ['host', 'te', 'http2-settings', 'content-length', 'modal-routing-affinity-key', 'portico-busy']) {
    assert.equal(inBytes(text)?.text, text);
    assert.equal(inBytes(text.toUpperCase()), inBytes(text));
    assert.equal(knownName(text), inBytes(text));
  }
});

test('what only begins, ends or sounds like a known name is none', () => {
  for (const text of [
    '',
    'hos',
    'hosts',
    'xhost',
    'content_length',
    'contentxlength',
    'modal',
    'modalxkey',
    'x-forwarded',
  ]) {
    assert.equal(inBytes(text), undefined, text);
    assert.equal(knownName(text), undefined, text);
  }
});

test('what only the router may say ends requests, whatever follows', () => {
  for (const text of ['modal-', 'Modal-Anything', 'portico-client-address', 'X-Forwarded-For', 'x-forwarded-'])
    assert.ok(inBytes(text)?.endsRequests, text);
  assert.ok(knownName('x-forwarded-host')?.endsRequests);
  assert.equal(inBytes('x-forwarded-for')?.endsAnswers, false);
});

test('an underscore makes no other name of what only the router may say', () => {
  for (const text of ['X_Forwarded_For', 'x_forwarded-proto', 'Modal_Key', 'PORTICO_CLIENT_ADDRESS'])
    assert.ok(inBytes(text)?.endsRequests && knownName(text.toLowerCase())?.endsRequests, text);
});
