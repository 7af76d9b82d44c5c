import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnreachable, type StandIn, standInFor, unreachableMessage } from './offline-base.ts';

const PYTHON_311: StandIn = { kind: 'python', series: '3.11', suite: 'bookworm' };
const PYTHON_313: StandIn = { kind: 'python', series: '3.13', suite: 'trixie' };
const choices: [string, StandIn | undefined][] = [
  ['docker.io/library/python:3.11.12-slim-bookworm', PYTHON_311],
  ['docker.io/library/python:3.11-slim-trixie', PYTHON_311],
  ['docker.io/library/python:3.11', PYTHON_311],
  ['docker.io/library/python:3.13.3-slim-bookworm', PYTHON_313],
  ['docker.io/library/python:3.12-slim', undefined],
  ['docker.io/library/python:3.11-alpine', undefined],
  ['docker.io/library/debian:bookworm-slim', { kind: 'debian', suite: 'bookworm' }],
  ['docker.io/library/debian:13', { kind: 'debian', suite: 'trixie' }],
  ['docker.io/library/debian:constructor', undefined],
  ['docker.io/library/ubuntu:24.04', undefined],
  ['ghcr.io/astral-sh/uv:latest', { kind: 'uv', version: undefined }],
  ['ghcr.io/astral-sh/uv:0.5.1', { kind: 'uv', version: '0.5.1' }],
  ['ghcr.io/astral-sh/uv:python3.12-bookworm', undefined],
  ['evil.example/library/python:3.11', undefined],
];
for (const [reference, expected] of choices) {
  test(`what stands in for ${reference}`, () => assert.deepEqual(standInFor(reference), expected));
}

test('the refusal names the series that was asked for and those that are there', () => {
  const text = unreachableMessage('docker.io/library/python:3.12-slim', 'docker.io');
  assert.match(text, /Python 3\.12 is only to be had there/);
  assert.match(text, /3\.11 and 3\.13/);
});

test('no answer is told from an answer that says no', () => {
  assert.ok(
    isUnreachable(
      'pinging container registry docker.io: Get "https://docker.io/v2/": dial tcp: lookup docker.io: no such host',
    ),
  );
  assert.ok(!isUnreachable('reading manifest 9 in docker.io/library/python: manifest unknown'));
  assert.ok(!isUnreachable('unauthorized: authentication required'));
});
