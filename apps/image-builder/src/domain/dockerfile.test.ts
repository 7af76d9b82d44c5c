import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareDockerfile } from './dockerfile.ts';
import { instructionsOf } from './dockerfile-text.ts';
import { fullName } from './image-name.ts';

const names: [string, string][] = [
  ['python:3.11-slim', 'docker.io/library/python:3.11-slim'],
  ['ubuntu', 'docker.io/library/ubuntu:latest'],
  ['nvidia/cuda:12', 'docker.io/nvidia/cuda:12'],
  ['ghcr.io/astral-sh/uv:latest', 'ghcr.io/astral-sh/uv:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest'],
  ['ubuntu@sha256:0123', 'docker.io/library/ubuntu@sha256:0123'],
];
for (const [short, full] of names) test(`${short} is ${full}`, () => assert.equal(fullName(short), full));

interface Case {
  readonly commands: string[];
  readonly text: string;
  readonly references?: string[];
  readonly buildArgs?: [string, string][];
}

/** A variable in braces, as a Dockerfile has it. */
const braced = (name: string): string => `$\{${name}}`;

const UV = 'ghcr.io/astral-sh/uv:latest';
const files: Record<string, Case> = {
  'base is the image below': { commands: ['FROM base', 'RUN true'], text: 'FROM <im-1>\nRUN true' },
  'a short name becomes a full one': {
    commands: ['FROM python:3.11-slim'],
    text: 'FROM <docker.io/library/python:3.11-slim>',
    references: ['docker.io/library/python:3.11-slim'],
  },
  'flags and stage names stay': {
    commands: [
      'FROM --platform=linux/amd64 ghcr.io/astral-sh/uv:latest AS Tools',
      'FROM base',
      'COPY --from=tools /uv /uv',
    ],
    text: `FROM --platform=linux/amd64 <${UV}> AS Tools\nFROM <im-1>\nCOPY --from=tools /uv /uv`,
    references: [UV],
  },
  'COPY --from another image, after other flags': {
    commands: [`FROM base\nCOPY --chown=1:1 --from=${UV} /uv /uv`],
    text: `FROM <im-1>\nCOPY --chown=1:1 --from=<${UV}> /uv /uv`,
    references: [UV],
  },
  'RUN --mount from another image': {
    commands: ['FROM base', `RUN --mount=type=bind,from=${UV},target=/uv /uv/uv --version`],
    text: `FROM <im-1>\nRUN --mount=type=bind,from=<${UV}>,target=/uv /uv/uv --version`,
    references: [UV],
  },
  'a cache mount names no image': {
    commands: ['FROM base', 'RUN --mount=type=cache,target=/c pip install x'],
    text: 'FROM <im-1>\nRUN --mount=type=cache,target=/c pip install x',
  },
  'words in a RUN line are left alone': {
    commands: ['FROM base', 'RUN echo FROM python && echo --from=x'],
    text: 'FROM <im-1>\nRUN echo FROM python && echo --from=x',
  },
  'a FROM inside a continued RUN is no instruction': {
    commands: ['FROM base', 'RUN echo \\\n  # a comment\n\n  FROM python \\\n  && true'],
    text: 'FROM <im-1>\nRUN echo \\\n  # a comment\n\n  FROM python \\\n  && true',
  },
  'nor one inside a here-document': {
    commands: ['FROM base', 'RUN <<EOF\nFROM python\nEOF', 'RUN true'],
    text: 'FROM <im-1>\nRUN <<EOF\nFROM python\nEOF\nRUN true',
  },
  'a shell shift is no here-document': {
    commands: ['FROM base', 'RUN echo $((1<<EIGHT))', 'COPY --from=uv /a /a'],
    text: 'FROM <im-1>\nRUN echo $((1<<EIGHT))\nCOPY --from=<docker.io/library/uv:latest> /a /a',
    references: ['docker.io/library/uv:latest'],
  },
  'an argument before FROM has its default': {
    commands: ['ARG TAG=3.11-slim', `FROM python:${braced('TAG')}`],
    text: 'ARG TAG=3.11-slim\nFROM <docker.io/library/python:3.11-slim>',
    references: ['docker.io/library/python:3.11-slim'],
  },
  'a build argument wins over the default': {
    commands: ['ARG TAG="3.11-slim"', 'FROM python:$TAG'],
    buildArgs: [['TAG', '3.13-slim']],
    text: 'ARG TAG="3.11-slim"\nFROM <docker.io/library/python:3.13-slim>',
    references: ['docker.io/library/python:3.13-slim'],
  },
  'a default inside the braces': {
    commands: [`FROM python:${braced('TAG:-3.11')}`],
    text: 'FROM <docker.io/library/python:3.11>',
    references: ['docker.io/library/python:3.11'],
  },
  'a stage called base hides the image below': {
    commands: ['FROM debian:12 AS base', 'FROM base'],
    text: 'FROM <docker.io/library/debian:12> AS base\nFROM base',
    references: ['docker.io/library/debian:12'],
  },
  'scratch is nothing': { commands: ['FROM scratch'], text: 'FROM scratch' },
};
for (const [name, { commands, text, references = [], buildArgs = [] }] of Object.entries(files)) {
  test(name, () => {
    const prepared = prepareDockerfile(commands, { base: '<im-1>', buildArgs: new Map(buildArgs) });
    assert.equal(
      prepared.write((reference) => `<${reference}>`),
      `${text}\n`,
    );
    assert.deepEqual(prepared.references, references);
  });
}

test('a file is the sum of its instructions', () => {
  const text = '# escape=`\nFROM x\n\n# c\nRUN a `\n  b\nCOPY <<-"EOF" /f\n\tone\n\tEOF\nCMD ["x"]\n';
  const found = instructionsOf(text);
  assert.equal(found.map((one) => one.source).join('\n'), text);
  assert.deepEqual(
    found.filter((one) => one.keyword).map((one) => one.keyword),
    ['FROM', 'RUN', 'COPY', 'CMD'],
  );
});
