import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnreachable, standInFor } from './offline-base.ts';

const standIns: [string, string][] = [
  ['docker.io/library/python:3.11.12-slim-bookworm', 'python'],
  ['docker.io/library/python:3.11-slim', 'python'],
  ['docker.io/library/python:3.12.10-slim-bookworm', 'none'],
  ['docker.io/library/python:3.11-alpine', 'none'],
  ['docker.io/library/debian:bookworm-slim', 'debian'],
  ['ghcr.io/astral-sh/uv:latest', 'uv'],
  ['docker.io/library/ubuntu:22.04', 'none'],
];
for (const [reference, kind] of standIns) test(`${reference}: ${kind}`, () => assert.equal(standInFor(reference).kind, kind));

const complaints: [string, boolean][] = [
  ['dial tcp: lookup registry-1.docker.io: no such host', true],
  ['dial tcp 127.0.0.1:5000: connect: connection refused', true],
  ['reading manifest 9.9 in docker.io/library/python: manifest unknown', false],
  ['unauthorized: authentication required', false],
];
for (const [text, expected] of complaints) test(`"${text}" ${expected ? 'means' : 'does not mean'} unreachable`, () => assert.equal(isUnreachable(text), expected));
