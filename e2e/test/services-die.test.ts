import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask, startLoad } from '../src/http.ts';
import { killService } from '../src/kill-service.ts';

let platform: Platform;
let source: string;
let version = 1;

before(async () => {
  platform = await startPlatform();
  source = join(platform.home, 'serving.py');
  await writeFile(source, await readFile(join(repository, 'e2e/apps/serving.py'), 'utf8'));
  await deploy();
});

after(() => platform[Symbol.asyncDispose]());

async function deploy(): Promise<void> {
  const deployed = await platform.modal('deploy', source);
  assert.equal(deployed.exitCode, 0, deployed.output);
}

/** The next deploy works, and its code answers. */
async function deployNext(): Promise<void> {
  const text = await readFile(source, 'utf8');
  await writeFile(source, text.replace(`"version": ${version}`, `"version": ${version + 1}`));
  version += 1;
  await deploy();
  await eventually(
    'the new version answers',
    async () => (await ask(platform, 'local--serving-live')).text === `{"version":${version}}`,
    { withinMs: 60_000 },
  );
}

const killed = (name: string): Promise<void> => killService(platform, name);

for (const name of ['auth', 'domains', 'control', 'image-builder', 'autoscaler', 'node-agent', 'nats']) {
  test(`kill -9 of ${name} fails no request to a ready container, and the next deploy works`, async () => {
    await ask(platform, 'local--serving-live');
    const load = startLoad(platform, 'local--serving-live', 2);
    await eventually('the load is answered', () => load.answers.length > 10);
    await killed(name);
    const since = load.answers.length;
    await eventually('it is answered on', () => load.answers.length > since + 50);
    await load.stop();
    assert.deepEqual(load.failures, []);
    await deployNext();
  });
}

test('a router that was killed is back, and everything answers again', async () => {
  await killed('router');
  assert.equal((await ask(platform, 'local--serving-live')).status, 200);
  await deployNext();
});
