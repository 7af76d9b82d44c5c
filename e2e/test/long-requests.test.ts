import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { type Ask, ask, type Reply } from '../src/http.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform({ PORTICO_REDIRECT_AFTER_MS: '1000' });
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/long.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

const LABEL = 'local--long-patient';

/** The answer in the end, and how often the client was sent to it. */
async function follow(label: string, path: string, asked: Ask = {}): Promise<{ reply: Reply; redirects: number }> {
  let reply = await ask(platform, label, path, asked);
  let redirects = 0;
  for (; reply.status === 303; redirects += 1) reply = await ask(platform, label, reply.headers.location);
  return { reply, redirects };
}

async function seen(): Promise<{ started: string[]; ended: string[] }> {
  const { reply } = await follow(LABEL, '/seen');
  return JSON.parse(reply.text) as { started: string[]; ended: string[] };
}

/** Asks with the standard library of Python, which follows redirects as every client does. */
async function askWithPython(url: string, host: string, body: string): Promise<string> {
  const program = `
import sys, urllib.request
url, host, body = sys.argv[1:]
request = urllib.request.Request(url, body.encode(), {"host": host})
with urllib.request.urlopen(request, timeout=60) as response:
    print(response.status, response.headers["x-own"], response.read().decode())
`;
  const python = join(repository, '.toolchain/client-venv/bin/python');
  return (await promisify(execFile)(python, ['-c', program, url, host, body])).stdout.trim();
}

test('a client that knows nothing of it gets the answer of a long request, which runs once', async () => {
  // Warm first: this client follows no more than a few redirects.
  await follow(LABEL, '/seen');
  const url = `http://127.0.0.1:${platform.httpPort}/work?name=python&seconds=3`;
  assert.equal(await askWithPython(url, `${LABEL}.localhost`, 'hello'), '201 yes {"name":"python","body":"hello"}');
  const { started, ended } = await seen();
  assert.deepEqual(
    [started, ended].map((names) => names.filter((name) => name === 'python').length),
    [1, 1],
  );
});

test('a handler that blocks, and a container that has to start first, take as long as they need', async () => {
  const { reply, redirects } = await follow('local--long-blocking', '/', { body: 'blocked' });
  assert.deepEqual([reply.status, reply.text], [200, 'blocked']);
  assert.ok(redirects >= 2, `${redirects} redirects`);
});

test('a call whose client has been sent away and left runs to its end; its answer is there, once', async () => {
  const away = await ask(platform, LABEL, '/work?name=left&seconds=2', { body: 'x' });
  assert.deepEqual([away.status, away.text], [303, '']);
  await eventually('it has ended', async () => (await seen()).ended.includes('left'));
  const { reply } = await follow(LABEL, away.headers.location ?? '');
  assert.deepEqual([reply.status, reply.text], [201, '{"name":"left","body":"x"}']);
  assert.equal((await ask(platform, LABEL, away.headers.location)).status, 408);
  assert.equal((await seen()).started.filter((name) => name === 'left').length, 1);
});

test('a large answer waits in the container, and comes whole', async () => {
  const away = await ask(platform, LABEL, '/large?name=large');
  assert.equal(away.status, 303);
  await eventually('it has begun', async () => (await seen()).started.includes('large'));
  assert.equal((await seen()).ended.includes('large'), false);
  const { reply } = await follow(LABEL, away.headers.location ?? '');
  assert.deepEqual([reply.status, reply.text.length], [200, 400 * 64 * 1024]);
  assert.deepEqual([reply.text.slice(0, 8), reply.text.slice(-8)], ['00000000', '00000399']);
  await eventually('it has ended', async () => (await seen()).ended.includes('large'));
});

test('a router that dies takes its calls with it: who comes back is told, and nothing runs twice', async () => {
  const away = await ask(platform, LABEL, '/work?name=lost&seconds=20', { body: 'x' });
  assert.equal(away.status, 303);
  const before = (await platform.processIds()).get('router');
  process.kill(before ?? 0, 'SIGKILL');
  await eventually('another router serves', async () => (await seen()).started.includes('lost'), { withinMs: 30_000 });
  const { status, text } = await ask(platform, LABEL, away.headers.location);
  assert.deepEqual([status, text], [408, 'modal-http: Missing request, possibly due to expiry or cancellation']);
  assert.equal((await seen()).started.filter((name) => name === 'lost').length, 1);
});
