import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/scaling.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform[Symbol.asyncDispose]());

async function containers(): Promise<number> {
  const { output } = await platform.portico('status', '--json');
  return (JSON.parse(output) as { containers: unknown[] }).containers.length;
}

test('30 requests at once with max_containers=5: five containers, all answered; then none; then one again', async () => {
  const replies = await Promise.all(Array.from({ length: 30 }, () => ask(platform, 'local--scaling-slow')));
  assert.deepEqual(
    replies.filter(({ status }) => status !== 200),
    [],
  );
  const used = new Set(replies.map(({ text }) => (JSON.parse(text) as { container: string }).container));
  assert.equal(used.size, 5);
  await eventually('all containers are gone after the window', async () => (await containers()) === 0, {
    withinMs: 30_000,
  });
  assert.equal((await ask(platform, 'local--scaling-slow')).status, 200);
  assert.equal(await containers(), 1);
});
