import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefaceOf } from './preface.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\n';

test('the preface of HTTP/2 is known when it is whole, and may be one until then', () => {
  const bytes = Buffer.from(`${PREFACE}SM\r\n\r\n`);
  for (let to = 1; to < PREFACE.length; to++) assert.equal(prefaceOf(bytes, to), 'part', `${to}`);
  for (let to = PREFACE.length; to <= bytes.length; to++) assert.equal(prefaceOf(bytes, to), 'whole', `${to}`);
});

test('what is another request is none, however much of it has come', () => {
  for (const text of [
    'PUT / HTTP/1.1\r\n\r\n',
    'PRI / HTTP/2.0\r\n\r\n',
    'PRI * HTTP/1.1\r\n\r\n',
    'pri * HTTP/2.0\r\n\r\n',
  ])
    assert.equal(prefaceOf(Buffer.from(text), text.length), 'none', text);
});
