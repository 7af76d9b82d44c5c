import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crossOriginHeaders, preflightAnswer, resultTokenOf, resultUrlOf } from './result-url.ts';

const NAME = '__modal_attempt_token';

test('the token of a result URL is found wherever the parameter stands, and nowhere else', () => {
  for (const [target, token] of [
    ['/', undefined],
    [`/${NAME}=t`, undefined],
    [`/?${NAME}=t`, 't'],
    [`/a/b?x=1&${NAME}=t`, 't'],
    [`/?${NAME}=t&x=1`, 't'],
    [`/?${NAME}=one&${NAME}=two`, 'two'],
    [`/?${NAME}=`, ''],
    [`/?${NAME}`, ''],
    [`/?x${NAME}=t`, undefined],
    [`/?${NAME}s=t`, undefined],
    [`/?x=${NAME}=t`, undefined],
    [`/?a?${NAME}=t`, undefined],
  ] as const)
    assert.equal(resultTokenOf(target), token, target);
});

test('the result URL is the same URL with one token, on the same host whatever the path is', () => {
  for (const [target, expected] of [
    ['/', `/?${NAME}=t`],
    ['/a%20b', `/a%20b?${NAME}=t`],
    ['/a?', `/a?${NAME}=t`],
    ['/a?x=1&x=2&y', `/a?x=1&x=2&y&${NAME}=t`],
    [`/a?x=1&${NAME}=old`, `/a?x=1&${NAME}=t`],
    [`/a?${NAME}=old&x=1`, `/a?x=1&${NAME}=t`],
    ['*', `/?${NAME}=t`],
    ['//evil.example/a', `/.//evil.example/a?${NAME}=t`],
    ['/\\evil.example/a', `/./\\evil.example/a?${NAME}=t`],
  ] as const) {
    const location = resultUrlOf(target, 't');
    assert.equal(location, expected);
    assert.equal(resultTokenOf(location), 't');
    assert.equal(new URL(location, `http://here.example${target === '*' ? '' : target}`).host, 'here.example');
  }
});

test('a script of another origin may follow and read; who names no origin is told nothing of it', () => {
  assert.deepEqual(crossOriginHeaders({ forwarded: 'host: a\r\nx-origin: no\r\n' }), {});
  assert.deepEqual(crossOriginHeaders({ forwarded: 'host: a\r\nOrigin:  https://b.example \r\naccept: */*\r\n' }), {
    'access-control-allow-origin': 'https://b.example',
    'access-control-allow-credentials': 'true',
    vary: 'origin',
  });
});

test('an origin of many spaces is read in one go', () => {
  const origin = `a${' '.repeat(1_000_000)}b`;
  assert.deepEqual(crossOriginHeaders({ forwarded: `origin: ${origin}\r\n` })['access-control-allow-origin'], origin);
});

test('only a preflight is answered as one', () => {
  const asks = 'access-control-request-method: GET\r\n';
  assert.equal(preflightAnswer({ method: 'OPTIONS', forwarded: 'host: a\r\n' }), undefined);
  assert.equal(preflightAnswer({ method: 'GET', forwarded: asks }), undefined);
  assert.deepEqual(preflightAnswer({ method: 'OPTIONS', forwarded: asks })?.headers, {
    'access-control-allow-methods': 'GET, HEAD',
  });
  const named = preflightAnswer({
    method: 'OPTIONS',
    forwarded: `${asks}access-control-request-headers: x-a, x-b\r\n`,
  });
  assert.deepEqual([named?.status, named?.headers?.['access-control-allow-headers']], [200, 'x-a, x-b']);
});
