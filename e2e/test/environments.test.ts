import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Finished, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

let platform: Platform;
let source: string;

before(async () => {
  platform = await startPlatform();
  source = join(platform.home, 'guarded.py');
  await writeFile(source, await readFile(join(repository, 'e2e/apps/guarded.py'), 'utf8'));
  await good('environment', 'create', 'staging');
  await good('secret', 'create', 'place', 'PLACE=home');
  await good('secret', 'create', '--env', 'staging', 'place', 'PLACE=abroad');
  await good('deploy', source);
  await good('deploy', '--env', 'staging', source);
});

after(() => platform?.[Symbol.asyncDispose]());

async function good(...args: string[]): Promise<Finished> {
  const finished = await platform.modal(...args);
  assert.equal(finished.exitCode, 0, `${args.join(' ')}: ${finished.output}`);
  return finished;
}

async function refused(...args: string[]): Promise<string> {
  const { exitCode, output } = await platform.modal(...args);
  assert.notEqual(exitCode, 0, output);
  return output.replaceAll(/[\s│]+/g, ' ');
}

const placeOf = async (label: string): Promise<unknown> => JSON.parse((await ask(platform, label)).text);

test('an app in two environments has two URLs, each with its own secrets', async () => {
  assert.deepEqual(await placeOf('local--guarded-place'), { place: 'home', version: 1 });
  assert.deepEqual(await placeOf('local-staging--guarded-place'), { place: 'abroad', version: 1 });
});

test('environments are listed, changed and refused with sentences', async () => {
  assert.match((await good('environment', 'list')).output, /staging/);
  assert.match(await refused('environment', 'create', 'staging'), /There is an environment "staging" already/);
  assert.match(
    await refused('environment', 'update', 'staging', '--set-web-suffix', 'A!'),
    /can't be part of a host name/,
  );
  assert.match(await refused('environment', 'delete', 'main', '--yes'), /default one and stays/);
  assert.match(await refused('deploy', '--env', 'nowhere', source), /There is no environment "nowhere"/);
  await good('environment', 'update', 'staging', '--set-web-suffix', 'stage');
  await good('deploy', '--env', 'staging', source);
  assert.deepEqual(await placeOf('local-stage--guarded-place'), { place: 'abroad', version: 1 });
});

test('a proxy token lets its bearer in where it may, until it is revoked', async () => {
  const inner = (label: string, headers: Record<string, string> = {}) => ask(platform, label, '/', { headers });
  const missing = await inner('local--guarded-inner');
  assert.deepEqual([missing.status, missing.text], [401, 'modal-http: missing credentials for proxy authorization']);
  const made = await platform.portico('token', 'create', '--proxy', '--environment', 'main', '--name', 'hook');
  const [, key = ''] = /Modal-Key: (wk-\S+)/.exec(made.output) ?? assert.fail(made.output);
  const [, secret = ''] = /Modal-Secret: (ws-\S+)/.exec(made.output) ?? assert.fail(made.output);
  const pair = { 'modal-key': key, 'modal-secret': secret };
  await eventually('it is let in', async () => (await inner('local--guarded-inner', pair)).status === 200);
  const bearer = { authorization: `Bearer ${key}.${secret}` };
  assert.equal((await inner('local--guarded-inner', bearer)).text, '"in"');
  assert.equal((await inner('local--guarded-inner', { ...pair, 'modal-secret': 'ws-wrong' })).status, 401);
  assert.equal((await inner('local-stage--guarded-inner', pair)).status, 403);
  assert.match((await platform.portico('token', 'list')).output, new RegExp(`${key} +proxy +hook .* main +good`));
  await platform.portico('token', 'revoke', key);
  await eventually('it is refused', async () => (await inner('local--guarded-inner', pair)).status === 401, {
    withinMs: 1_000,
  });
});

test('an app goes back to any version of before, and forward again', async () => {
  const deploy = async (version: number): Promise<void> => {
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replace(/VERSION = \d/, `VERSION = ${version}`));
    await good('deploy', '--tag', `v${version}.0`, source);
  };
  const serves = (version: number) =>
    eventually(`version ${version} serves`, async () => {
      const { status, text } = await ask(platform, 'local--guarded-place');
      return status === 200 && (JSON.parse(text) as { version: number }).version === version;
    });
  await deploy(2);
  await deploy(3);
  await serves(3);
  await good('app', 'rollback', 'guarded');
  await serves(2);
  await good('app', 'rollback', 'guarded', 'v1');
  await serves(1);
  const { output } = await good('app', 'history', 'guarded');
  assert.match(output, /v5/);
  assert.match(output, /v3\.0/);
  assert.match(await refused('app', 'rollback', 'guarded', 'v9'), /has no version v9/);
  await good('app', 'rollover', 'guarded');
  await serves(1);
});

test('a renamed environment keeps its apps, secrets, URLs, limits and tokens; another may have its former name', async () => {
  const url = 'local-stage--guarded-place';
  await good('deploy', '--env', 'staging', source);
  const place = async (): Promise<string> => (JSON.parse((await ask(platform, url)).text) as { place: string }).place;
  const before = await place();
  assert.equal(
    (await platform.portico('limit', 'set', 'guarded/place', '--environment', 'staging', '--queue', '9')).exitCode,
    0,
  );
  assert.match(
    await refused('environment', 'update', 'staging', '--set-name', 'main'),
    /There is an environment "main"/,
  );
  await good('environment', 'update', 'staging', '--set-name', 'prod');
  assert.match((await good('environment', 'list')).output, /prod/);
  assert.doesNotMatch((await good('environment', 'list')).output, /staging/);
  assert.equal(await place(), before);
  // What came with the old name still finds it.
  for (const name of ['prod', 'staging']) {
    assert.match((await good('app', 'list', '--env', name)).output, /guarded/);
    assert.match((await good('secret', 'list', '--env', name)).output, /place/);
    assert.match((await good('deploy', '--env', name, source)).output, /local-stage--guarded-place/);
  }
  assert.match((await platform.portico('limit', 'list')).output, /prod +guarded\/place/);
  const made = await platform.portico('token', 'create', '--proxy', '--environment', 'prod');
  const [, key = '', secret = ''] = /Modal-Key: (wk-\S+)\s+Modal-Secret: (ws-\S+)/.exec(made.output) ?? [];
  const headers = { 'modal-key': key, 'modal-secret': secret };
  await eventually(
    'the token is good there',
    async () => (await ask(platform, 'local-stage--guarded-inner', '/', { headers })).status === 200,
  );
  assert.match((await platform.portico('token', 'list')).output, new RegExp(`${key} .* prod +good`));
  assert.match(await refused('environment', 'delete', 'staging', '--yes'), /is called "prod" now/);
  await good('environment', 'create', 'staging');
  assert.doesNotMatch((await good('app', 'list', '--env', 'staging')).output, /guarded/);
  assert.match((await good('app', 'list', '--env', 'prod')).output, /guarded/);
  assert.match(
    await refused('environment', 'update', 'prod', '--set-name', 'staging'),
    /There is an environment "staging"/,
  );
});

test('an environment that is deleted takes its apps and secrets along', async () => {
  await good('environment', 'delete', 'prod', '--yes');
  await eventually('its URL is gone', async () => (await ask(platform, 'local-stage--guarded-place')).status === 404);
  assert.deepEqual(await placeOf('local--guarded-place'), { place: 'home', version: 1 });
});
