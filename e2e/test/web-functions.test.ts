import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask, startLoad } from '../src/http.ts';
import { openWebSocket } from '../src/websocket.ts';
import { opcodes } from '../src/websocket-frames.ts';

const apps = join(repository, 'e2e/apps');
let platform: Platform;
let source: string;

before(async () => {
  platform = await startPlatform();
  source = join(platform.home, 'web.py');
  await writeFile(source, await readFile(join(apps, 'web.py'), 'utf8'));
  const deployed = await platform.modal('deploy', source);
  assert.equal(deployed.exitCode, 0, deployed.output);
  assert.match(deployed.output, /http:\/\/local--web-square\.localhost:\d+/);
  assert.match(deployed.output, /http:\/\/local--portal\.localhost:\d+/);
});

after(() => platform[Symbol.asyncDispose]());

/** Ids of the containers that may get requests. */
async function readyContainers(): Promise<string[]> {
  const { containers } = JSON.parse((await platform.portico('status', '--json')).output) as {
    containers: { containerId: string; state: string }[];
  };
  return containers.filter(({ state }) => state === 'ready').map(({ containerId }) => containerId);
}

const json = (text: string): unknown => JSON.parse(text);

test('an endpoint reads query parameters, and refuses what is wrong', async () => {
  const good = await ask(platform, 'local--web-square', '/?x=4');
  assert.deepEqual([good.status, json(good.text)], [200, { result: 17, version: 1 }]);
  assert.equal((await ask(platform, 'local--web-square', '/?x=four')).status, 422);
  assert.equal((await ask(platform, 'local--web-square', '/?x=4', { method: 'POST' })).status, 405);
  assert.equal((await ask(platform, 'local--web-square', '/docs')).status, 200);
});

test('a POST with a Pydantic model is parsed; its secret is in the environment; no docs unless asked for', async () => {
  const headers = { 'content-type': 'application/json' };
  const reply = await ask(platform, 'local--web-order', '/', { headers, body: '{"name": "pen", "price": 1.5}' });
  assert.deepEqual([reply.status, json(reply.text)], [200, { name: 'pen', total: 3, greeting: 'salut' }]);
  assert.equal((await ask(platform, 'local--web-order', '/', { headers, body: '{"name": "pen"}' })).status, 422);
  assert.equal((await ask(platform, 'local--web-order', '/docs')).status, 404);
});

test('an ASGI app has its lifespan state, the real client address and a trace', async () => {
  const reply = await ask(platform, 'local--portal', '/state', {
    headers: { 'x-forwarded-for': '6.6.6.6', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  });
  const body = json(reply.text) as Record<string, string | null>;
  assert.equal(body['started'], 'yes');
  assert.equal(body['client'], '127.0.0.1');
  assert.equal(body['xff'], null);
  assert.match(body['traceparent'] ?? '', /^00-a{32}-/);
});

test('bodies stream both ways', async () => {
  assert.equal((await ask(platform, 'local--portal', '/stream')).text, 'chunk 0\nchunk 1\nchunk 2\n');
  const size = 8 * 1024 * 1024;
  assert.deepEqual(json((await ask(platform, 'local--portal', '/length', { body: Buffer.alloc(size) })).text), {
    size,
  });
});

test('a WSGI app, a class with two web methods in one container, and a web server answer', async () => {
  assert.equal((await ask(platform, 'local--web-legacy', '/upper', { body: 'hello' })).text, 'HELLO');
  await ask(platform, 'local--web-counter-hit');
  assert.deepEqual(json((await ask(platform, 'local--web-counter-peek')).text), { hits: 1 });
  assert.equal((await ask(platform, 'local--web-files', '/hostname')).status, 200);
});

test('a WebSocket echoes through the router', async () => {
  using socket = await openWebSocket(platform, 'local--portal', '/echo');
  socket.send(opcodes.text, 'hi');
  assert.equal(String((await socket.next()).payload), 'echo hi');
});

test('an unknown host and a path that is not there are told apart from the platform', async () => {
  const unknown = await ask(platform, 'local--nothing');
  assert.deepEqual([unknown.status, unknown.text], [404, 'modal-http: invalid function call']);
  assert.doesNotMatch((await ask(platform, 'local--portal', '/missing')).text, /modal-http/);
});

test('a redeploy without a change says so; one under load answers with the new code and fails no request', async () => {
  const unchanged = await platform.modal('deploy', source);
  assert.match(unchanged.output, /[Nn]o (changes|change)|nothing changed|unchanged|already/, unchanged.output);
  await ask(platform, 'local--web-square', '/?x=1');
  const load = startLoad(platform, 'local--web-counter-peek', 3);
  await eventually('the load is answered', () => load.answers.length > 10);
  await writeFile(
    source,
    (await readFile(source, 'utf8'))
      .replace('"hits": self.hits}', '"hits": self.hits, "version": 2}')
      .replaceAll('return {"hits": self.hits}', 'return {"hits": self.hits, "version": 2}'),
  );
  const deployed = await platform.modal('deploy', source);
  assert.equal(deployed.exitCode, 0, deployed.output);
  await eventually('the new code answers', () => load.answers.at(-1)?.text.includes('"version":2'), {
    withinMs: 60_000,
  });
  const since = load.answers.length;
  await eventually('it answers on', () => load.answers.length > since + 30);
  await load.stop();
  assert.deepEqual(load.failures, []);
});

test('a deploy that recreates ends all containers of before, and the next request finds the new code', async () => {
  const recreate = async (...command: string[]): Promise<string> => {
    const { exitCode, output } = await platform.modal(...command, '--strategy', 'recreate');
    assert.equal(exitCode, 0, output);
    return output;
  };
  await ask(platform, 'local--web-square', '/?x=1');
  const old = await readyContainers();
  assert.ok(old.length >= 2, 'several functions have containers');
  await writeFile(source, (await readFile(source, 'utf8')).replace('"version": 1}', '"version": 3}'));
  assert.match(await recreate('deploy', source), /Terminating running containers/);
  assert.deepEqual(
    (await readyContainers()).filter((id) => old.includes(id)),
    [],
  );
  const { status, text } = await ask(platform, 'local--web-square', '/?x=4');
  assert.deepEqual([status, json(text)], [200, { result: 17, version: 3 }]);
  const fresh = await readyContainers();
  assert.doesNotMatch(await recreate('deploy', source), /Terminating/);
  assert.deepEqual(
    (await readyContainers()).filter((id) => fresh.includes(id)),
    fresh,
    'a deploy without a change ends none',
  );
  await recreate('app', 'rollover', 'web');
  assert.deepEqual(
    (await readyContainers()).filter((id) => fresh.includes(id)),
    [],
  );
  assert.equal((await ask(platform, 'local--web-square', '/?x=4')).status, 200);
});

test('list, logs, history and stop work; a stopped app says so', async () => {
  assert.match((await platform.modal('app', 'list')).output, /web.*deployed/);
  assert.match((await platform.modal('app', 'logs', 'web')).output, /ordered pen/);
  const following = platform.startModal('app', 'logs', 'web', '-f');
  const headers = { 'content-type': 'application/json' };
  await eventually('the follower sees what is printed now', async () => {
    await ask(platform, 'local--web-order', '/', { headers, body: '{"name": "ink", "price": 1}' });
    return following.output().includes('ordered ink');
  });
  following.child.kill('SIGINT');
  await following.finished;
  const history = await platform.modal('app', 'history', 'web');
  assert.match(history.output, /v2/);
  assert.equal((await platform.modal('app', 'stop', 'web', '--yes')).exitCode, 0);
  await eventually('the app is stopped', async () => {
    const { status, text } = await ask(platform, 'local--web-square', '/?x=1');
    return status === 404 && text === 'modal-http: app for invoked web endpoint is stopped';
  });
});
