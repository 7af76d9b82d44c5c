import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask, type Reply } from '../src/http.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/kinds.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

const many = (label: string, count: number): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, () => ask(platform, label)));

test('a container never runs more at once than its function allows, and as much when there is work', async () => {
  const replies = await many('local--kinds-crowded', 120);
  const seen = replies.map(({ status, text }) => {
    assert.equal(status, 200, text);
    return JSON.parse(text) as { container: string; most: number };
  });
  assert.equal(Math.max(...seen.map(({ most }) => most)), 4);
  assert.ok(new Set(seen.map(({ container }) => container)).size <= 2);
});

test('without @modal.concurrent there is one request at a time', async () => {
  const seen = (await many('local--kinds-single', 20)).map(({ text }) => (JSON.parse(text) as { most: number }).most);
  assert.deepEqual([...new Set(seen)], [1]);
});

test('an app that fails in its lifespan start-up says why, to the caller and in the log', async () => {
  const { status, text } = await ask(platform, 'local--kinds-refusing');
  assert.equal(status, 500);
  assert.match(text, /^modal-http: .*the database is not there/s);
  await eventually('the log says it too', async () =>
    (await platform.modal('app', 'logs', 'kinds')).output.includes('the database is not there'),
  );
});

test('events leave as they are sent, and the app hears when its client leaves', async () => {
  const headers = { host: 'local--kinds-bare.localhost' };
  const sent = request({ host: '127.0.0.1', port: platform.httpPort, path: '/events', headers, agent: false });
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  const [first] = (await once(response, 'data')) as [Buffer];
  assert.equal(String(first), 'data: one\n\n');
  sent.destroy();
  await eventually('the app has heard', async () => (await ask(platform, 'local--kinds-bare', '/left')).text === '1');
});

test('a WSGI app has its threads, reads a body in pieces and answers from a generator', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => ask(platform, 'local--kinds-threads', '/meet')));
  assert.deepEqual([one?.text, two?.text], ['met', 'met']);
  const { text } = await ask(platform, 'local--kinds-threads', '/count', { body: Buffer.alloc(200_000) });
  const sizes = text
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]));
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    200_000,
  );
  assert.ok(sizes.length >= 4, text);
});

test('a web server that never listens is an error with its reason, not a wait without end', async () => {
  const { status, text } = await ask(platform, 'local--kinds-deaf');
  assert.equal(status, 500, text);
  assert.match(text, /^modal-http: .*8000/s);
});

test('a web server whose process dies is replaced; it gets the address of its client once', async () => {
  const first = await ask(platform, 'local--kinds-mortal', '/', { headers: { 'x-forwarded-for': '6.6.6.6' } });
  assert.match(first.text, /^\d+ 127\.0\.0\.1$/);
  assert.equal((await ask(platform, 'local--kinds-mortal', '/die')).status, 502);
  await eventually('it serves again', async () => (await ask(platform, 'local--kinds-mortal')).status === 200);
});
