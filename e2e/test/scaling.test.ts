import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';
import { containersOf } from '../src/processes.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/scaling.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform[Symbol.asyncDispose]());

/** How many of a function there are that have not ended. */
async function containers(name: string): Promise<number> {
  return (await containersOf(platform, name)).filter(({ state }) => state !== 'exited').length;
}

test('30 requests at once with max_containers=5: five containers, all answered; then none; then one again', async () => {
  const replies = await Promise.all(Array.from({ length: 30 }, () => ask(platform, 'local--scaling-slow')));
  assert.deepEqual(
    replies.filter(({ status }) => status !== 200),
    [],
  );
  const used = new Set(replies.map(({ text }) => (JSON.parse(text) as { container: string }).container));
  assert.equal(used.size, 5);
  await eventually('all containers are gone after the window', async () => (await containers('slow')) === 0, {
    withinMs: 30_000,
  });
  assert.equal((await ask(platform, 'local--scaling-slow')).status, 200);
  assert.equal(await containers('slow'), 1);
});

test('min_containers are there before anybody asks, and stay', async () => {
  await eventually('two are ready', async () => {
    const ready = (await containersOf(platform, 'kept')).filter(({ state }) => state === 'ready');
    return ready.length === 2;
  });
  const { text } = await ask(platform, 'local--scaling-kept');
  // The windows of both are over when another function has come and gone.
  await ask(platform, 'local--scaling-slow');
  await eventually('the other is gone', async () => (await containers('slow')) === 0, { withinMs: 30_000 });
  const ids = (await containersOf(platform, 'kept')).map(({ containerId }) => containerId);
  assert.equal(ids.length, 2);
  assert.ok(ids.includes((JSON.parse(text) as { container: string }).container));
});

test('buffer_containers wait for the next request while there is one', async () => {
  const held = request({
    host: '127.0.0.1',
    port: platform.httpPort,
    headers: { host: 'local--scaling-buffered.localhost' },
    agent: false,
  });
  held.on('error', () => undefined);
  held.end();
  await eventually('one works, another waits', async () => {
    const ready = (await containersOf(platform, 'buffered')).filter(({ state }) => state === 'ready');
    return ready.length === 2;
  });
  held.destroy();
  await eventually('both are gone', async () => (await containers('buffered')) === 0, { withinMs: 30_000 });
});
