import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullName, prepareDockerfile } from './dockerfile.ts';

const names: [string, string][] = [
  ['python:3.11-slim', 'docker.io/library/python:3.11-slim'],
  ['ubuntu', 'docker.io/library/ubuntu:latest'],
  ['nvidia/cuda:12', 'docker.io/nvidia/cuda:12'],
  ['ghcr.io/astral-sh/uv:latest', 'ghcr.io/astral-sh/uv:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest'],
  ['ubuntu@sha256:0123', 'docker.io/library/ubuntu@sha256:0123'],
];
for (const [short, full] of names) test(`${short} is ${full}`, () => assert.equal(fullName(short), full));

const files: [string, string[], string, string[]][] = [
  ['base is the image below', ['FROM base', 'RUN true'], 'FROM localhost/portico:im-1\nRUN true\n', []],
  ['a short name becomes a full one', ['FROM python:3.11-slim'], 'FROM docker.io/library/python:3.11-slim\n', ['docker.io/library/python:3.11-slim']],
  ['COPY --from another image', ['FROM base\nCOPY --from=ghcr.io/astral-sh/uv:latest /uv /uv'], 'FROM localhost/portico:im-1\nCOPY --from=ghcr.io/astral-sh/uv:latest /uv /uv\n', ['ghcr.io/astral-sh/uv:latest']],
  ['a stage of the same file is no image', ['FROM golang AS Build', 'FROM scratch', 'COPY --from=build /a /a'], 'FROM docker.io/library/golang:latest AS Build\nFROM scratch\nCOPY --from=build /a /a\n', ['docker.io/library/golang:latest']],
  ['a word in a RUN line is left alone', ['FROM base', 'RUN echo FROM python'], 'FROM localhost/portico:im-1\nRUN echo FROM python\n', []],
];
for (const [name, commands, text, references] of files) {
  test(name, () => assert.deepEqual(prepareDockerfile(commands, 'im-1'), { text, references }));
}
