import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, type Finished, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';
import { openWebSocket } from '../src/websocket.ts';
import { opcodes } from '../src/websocket-frames.ts';

let platform: Platform;
let deployed: Finished;

before(async () => {
  platform = await startPlatform();
  const made = await platform.modal('secret', 'create', 'auth-token', 'AUTH_TOKEN=open-sesame');
  assert.equal(made.exitCode, 0, made.output);
  deployed = await platform.modal('deploy', join(repository, 'e2e/apps/frameworks.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

const urlOf = (label: string): string => `http://${label}.localhost:${platform.httpPort}`;

test('every HTTP method arrives with its body, HEAD without one in its answer', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const body = `of ${method}`;
    // Node's client tells the length of a body only of some methods.
    const headers = { 'content-length': String(body.length) };
    const { status, text } = await ask(platform, 'local--any-method', '/', { method, headers, body });
    assert.deepEqual([status, JSON.parse(text)], [200, { method, body }]);
  }
  const head = await ask(platform, 'local--any-method', '/', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal(head.headers['content-length'], String('{"method":"HEAD","body":""}'.length));
});

test('docs are there for who asks for them', async () => {
  assert.match((await ask(platform, 'local--frameworks-urls', '/docs')).text, /swagger/i);
  assert.match((await ask(platform, 'local--frameworks-urls', '/openapi.json')).text, /"paths":\{"\/"/);
});

test('a background task runs after its answer', async () => {
  assert.equal((await ask(platform, 'local--any-method', '/later', { method: 'POST' })).text, '{"accepted":true}');
  await eventually('it has run', async () => (await ask(platform, 'local--any-method', '/done')).text === '["done"]');
});

test('FastHTML answers', async () => {
  assert.match((await ask(platform, 'local--frameworks-fast-html')).text, /<h1>Hello from FastHTML<\/h1>/);
});

test('a bare ASGI callable has the state of its lifespan, and its trailers arrive', async () => {
  const sent = request({
    host: '127.0.0.1',
    port: platform.httpPort,
    headers: { host: 'local--frameworks-bare.localhost', te: 'trailers' },
    agent: false,
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.equal((await response.toArray()).join(''), 'since the start');
  assert.deepEqual(response.trailers, { 'x-checksum': 'abc' });
});

test('Django has its routes, a body in pieces, a streamed answer and the address of the client', async () => {
  const hello = await ask(platform, 'local--frameworks-django', '/hello/world');
  assert.deepEqual([hello.status, JSON.parse(hello.text)], [200, { hello: 'world', by: '127.0.0.1' }]);
  const size = await ask(platform, 'local--frameworks-django', '/size', { body: Buffer.alloc(300_000) });
  assert.equal(size.text, '300000');
  assert.equal((await ask(platform, 'local--frameworks-django', '/lines')).text, 'line 0\nline 1\nline 2\n');
});

test('an app checks bearer tokens against a named secret, which no other container has', async () => {
  const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const GUARDED = 'local--frameworks-guarded';
  assert.equal((await ask(platform, GUARDED, '/', bearing('open-sesame'))).text, '"in"');
  const wrong = await ask(platform, GUARDED, '/', bearing('open-barley'));
  assert.deepEqual([wrong.status, wrong.text], [401, '{"detail":"Incorrect bearer token"}']);
  assert.ok([401, 403].includes((await ask(platform, GUARDED)).status));
  assert.match((await ask(platform, 'local--frameworks-urls')).text, /"token":null/);
});

test('the address of a client is the one that it has, whatever it says', async () => {
  const forged = {
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-proto': 'gopher',
    'portico-client-address': '6.6.6.6:1',
    'portico-scheme': 'gopher',
    'portico-request-id': 'in-forged',
  };
  const sent = request({
    host: '127.0.0.1',
    localAddress: '127.0.0.77',
    port: platform.httpPort,
    path: '/me',
    headers: { host: 'local--any-method.localhost', ...forged },
    agent: false,
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const me = JSON.parse((await response.toArray()).join('')) as { host: string; headers: Record<string, string> };
  assert.equal(me.host, '127.0.0.77');
  for (const name of Object.keys(forged)) assert.equal(me.headers[name], undefined, name);
});

test('a host name that would be too long is cut to 63 characters, and answers', async () => {
  const [, label = ''] = /http:\/\/(local--frameworks-a-function-[a-z0-9-]+)\.localhost/.exec(deployed.output) ?? [];
  assert.equal(label.length, 63, deployed.output);
  assert.equal((await ask(platform, label)).text, '"long"');
});

async function refused(label: string): Promise<string> {
  const source = join(platform.home, 'labelled.py');
  const text = `import modal
app = modal.App("labelled")
@app.function(image=modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]"))
@modal.fastapi_endpoint(label="${label}")
def f():
    return 1
`;
  await writeFile(source, text);
  const { exitCode, output } = await platform.modal('deploy', source);
  assert.notEqual(exitCode, 0, output);
  return output.replaceAll(/[\s│]+/g, ' ');
}

test('a label that is no part of a host name is refused, one that another app has too, with its name', async () => {
  assert.match(await refused('Not_A_Label'), /can't be part of a host name/);
  assert.match(await refused('any-method'), /belongs to the deployed app "frameworks"/);
  assert.equal((await ask(platform, 'local--any-method')).status, 200);
});

test('code has the URL of a function, in a container and outside of one', async () => {
  const inside = JSON.parse((await ask(platform, 'local--frameworks-urls')).text) as Record<string, string>;
  assert.deepEqual(
    [inside['own'], inside['of another']],
    [urlOf('local--frameworks-urls'), urlOf('local--any-method')],
  );
  const program = 'import modal; print(modal.Function.from_name("frameworks", "methods").get_web_url())';
  const { stdout } = await promisify(execFile)(join(repository, '.toolchain/client-venv/bin/python'), ['-c', program], {
    env: { ...process.env, ...platform.environment },
  });
  assert.equal(stdout.trim(), urlOf('local--any-method'));
});

test('the official client for JavaScript has the URL of a function as well', async () => {
  const program = join(repository, 'e2e/src/print-web-url.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'frameworks', 'methods'], {
    env: { ...process.env, ...platform.environment },
  });
  assert.equal(stdout.trim(), urlOf('local--any-method'));
});

test('a WebSocket reaches a web server', async () => {
  using socket = await openWebSocket(platform, 'local--frameworks-sockets');
  socket.send(opcodes.text, 'tea');
  assert.equal(String((await socket.next()).payload), 'served tea');
});
