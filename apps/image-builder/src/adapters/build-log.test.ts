import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { imageBuilder } from '@portico/contracts';
import { silentLog } from '@portico/testing';
import { openBuildLog } from './build-log.ts';

const stream = () => {
  const stored: string[] = [];
  return {
    stored,
    publish: async (_: readonly string[], line: imageBuilder.BuildLogLine) => stored.push(line.text),
  };
};

test('lines are stored in order, each with its end', async () => {
  const there = stream();
  const log = openBuildLog(there, 'im-1', 1, silentLog);
  for (let i = 0; i < 200; i += 1) log.say(`line ${i}`, false);
  log.conclude('done', false);
  await log.stored();
  assert.deepEqual(there.stored, [...Array.from({ length: 200 }, (_, i) => `line ${i}\n`), 'done\n']);
});

test('a build that prints without end is cut off, and its end is still told', async () => {
  const there = stream();
  const log = openBuildLog(there, 'im-1', 1, silentLog);
  for (let i = 0; i < 250_000; i += 1) log.say('again', false);
  log.say('x'.repeat(10_000_000), false);
  log.conclude('The build failed.', true);
  await log.stored();
  assert.equal(there.stored.length, 200_001);
  assert.deepEqual(there.stored.slice(-2), ['The rest of the output is left out.\n', 'The build failed.\n']);
});

test('a line without end is cut', async () => {
  const there = stream();
  const log = openBuildLog(there, 'im-1', 1, silentLog);
  log.say('x'.repeat(10_000_000), false);
  await log.stored();
  assert.equal(there.stored[0]?.length, 64_001);
});
