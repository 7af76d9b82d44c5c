import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

/** Of the container that told its address. */
const LISTENING_PORT = 9000;

let platform: Platform;
let other: { own: string; gateway: string };

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/reaching.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
  other = JSON.parse((await ask(platform, 'local--reaching-address')).text) as typeof other;
});

after(() => platform?.[Symbol.asyncDispose]());

async function canReach(host: string, port: number): Promise<boolean> {
  const { text } = await ask(platform, 'local--reaching-reach', `/?host=${host}&port=${port}`);
  return (JSON.parse(text) as { reached: boolean }).reached;
}

test('a package registry of the internet can be reached', async () => {
  const { status, text } = await ask(
    platform,
    'local--reaching-fetch',
    `/?url=${encodeURIComponent('https://pypi.org/simple/pip/')}`,
  );
  assert.deepEqual([status, text], [200, '{"status":200}']);
});

test("the host's services can't be reached by its address on the bridge", async () => {
  for (const port of [platform.httpPort, Number(platform.environment['PORTICO_SDK_PORT']), await natsPort(), 22]) {
    assert.equal(await canReach(other.gateway, port), false, `port ${port} of the host`);
  }
});

test('another container can not be reached', async () => {
  assert.equal(await canReach(other.own, LISTENING_PORT), false);
  // The host can, so it really listens.
  const socket = connect(LISTENING_PORT, other.own);
  await once(socket, 'connect');
  socket.destroy();
});

async function natsPort(): Promise<number> {
  return Number(await readFile(join(platform.home, 'nats/port'), 'utf8'));
}
