import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

let platform: SimulatedPlatform;
/** What the container has seen, newest last. */
const seen: { method: string; url: string; headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
let leavers = 0;
let connections = 0;

before(async () => {
  platform = await simulatedPlatform();
  const server = await platform.container('ta-1', async (request, response) => {
    const url = request.url ?? '';
    if (url === '/leave') {
      response.once('close', () => {
        leavers += 1;
      });
      response.write('first');
      return;
    }
    if (url === '/echo') {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      request.pipe(response);
      return;
    }
    let body = '';
    for await (const piece of request) body += String(piece);
    seen.push({ method: request.method ?? '', url, headers: request.headers, body });
    if (url === '/none') return void response.writeHead(204).end();
    if (url === '/cut')
      return void response.writeHead(200, { 'content-length': 10 }).end('12345', () => response.destroy());
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.setHeader('keep-alive', 'timeout=5');
    response.end(`${request.method} ${url} ${body}`);
  });
  server.on('connection', () => {
    connections += 1;
  });
});

after(() => platform?.[Symbol.asyncDispose]());

test('a connection is kept on both sides', async () => {
  using client = rawClient(platform.port);
  client.send(`GET /warm HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await client.reply();
  const before = connections;
  for (const path of ['/a', '/b', '/c']) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body], [200, `GET ${path} `]);
    assert.equal(reply.headers.get('set-cookie'), 'a=1, b=2');
    assert.equal(reply.headers.get('keep-alive'), undefined);
    assert.match(reply.headers.get('modal-function-call-id') ?? '', /^fc-/);
  }
  assert.equal(connections, before);
});

test('requests sent at once on one connection are answered in their order', async () => {
  using client = rawClient(platform.port);
  const one = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  client.send(one('/1', 'x') + one('/2', 'yy') + one('/3', ''));
  assert.equal((await client.reply()).body, 'POST /1 x');
  assert.equal((await client.reply()).body, 'POST /2 yy');
  assert.equal((await client.reply()).body, 'POST /3 ');
});

test('a request may come byte by byte', async () => {
  using client = rawClient(platform.port);
  client.socket.setNoDelay(true);
  const text = `POST /slow HTTP/1.1\r\nhost: ${HOST}\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n`;
  for (const byte of text) await new Promise<void>((resolve) => client.socket.write(byte, () => resolve()));
  assert.equal((await client.reply()).body, 'POST /slow abc');
});

test('only what may be forwarded reaches the container, with what the router knows', async () => {
  const reply = await ask(
    platform.port,
    '/headers?x=%20y',
    'Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nPortico-Client-Address: 6.6.6.6:1\r\nModal-Foo: x\r\nX-Real-IP: 7.7.7.7\r\nX-Twice: a\r\nX-Twice: b\r\n',
  );
  assert.equal(reply.status, 200);
  const { headers, url } = seen.at(-1) ?? { headers: {} as NodeJS.Dict<string>, url: '' };
  assert.equal(url, '/headers?x=%20y');
  for (const name of ['x-hop', 'te', 'x-forwarded-for', 'modal-foo']) assert.equal(headers[name], undefined, name);
  assert.match(String(headers['portico-client-address']), /^127\.0\.0\.1:\d+$/);
  assert.match(String(headers['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  assert.deepEqual([headers['host'], headers['x-real-ip'], headers['x-twice']], [HOST, '7.7.7.7', 'a, b']);
});

test('thousands of requests that are sent at once are answered one after the other', async () => {
  using client = rawClient(platform.port);
  const count = 3_000;
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(count));
  for (let i = 0; i < count; i++) assert.equal((await client.reply()).status, 404);
});

test('bodies pass both ways as they come, neither gathered nor cut', async () => {
  using client = rawClient(platform.port);
  client.send(`POST /echo HTTP/1.1\r\nhost: ${HOST}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
  let text = '';
  while (!text.includes('first')) text += await client.bytes();
  client.send('6\r\nsecond\r\n0\r\n\r\n');
  while (!text.includes('second')) text += await client.bytes();
});

test('a body of many megabytes passes whole while its reader is slow', async () => {
  using client = rawClient(platform.port);
  const size = 32 * 1024 * 1024;
  const sent = Buffer.alloc(1024 * 1024, 'm');
  client.socket.pause();
  client.send(`POST /echo HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${size}\r\n\r\n`);
  const write = async (): Promise<void> => {
    for (let i = 0; i < size / sent.length; i++) if (!client.socket.write(sent)) await once(client.socket, 'drain');
  };
  const writing = write();
  // Nobody reads: the writer must come to a halt rather than fill the router.
  await eventually('the way is full', () => client.socket.writableLength > 0);
  client.socket.resume();
  const { status, body } = await client.reply();
  await writing;
  assert.deepEqual([status, body.length], [200, size]);
});

test('HEAD, 204 and an interim answer leave the connection usable', async () => {
  using client = rawClient(platform.port);
  client.send(`HEAD /head HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  assert.equal((await client.reply(true)).status, 200);
  client.send(`GET /none HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  assert.equal((await client.reply()).status, 204);
  client.send(`POST /go HTTP/1.1\r\nhost: ${HOST}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`);
  assert.equal((await client.reply()).status, 100);
  client.send('ok');
  assert.equal((await client.reply()).body, 'POST /go ok');
});

test('HTTP/1.0 and Connection: close are answered, then closed', async () => {
  for (const text of [
    `GET /old HTTP/1.0\r\nhost: ${HOST}\r\n\r\n`,
    `GET /old HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\n\r\n`,
  ]) {
    using client = rawClient(platform.port);
    client.send(text);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body, reply.headers.get('connection')], [200, 'GET /old ', 'close']);
    await client.closed;
  }
});

test('the container hears when the client has left', async () => {
  const client = rawClient(platform.port);
  client.send(`GET /leave HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await client.bytes();
  client[Symbol.dispose]();
  await eventually('the container has heard', () => leavers === 1);
});

test('an answer that was cut off is not taken for a whole one', async () => {
  await assert.rejects(ask(platform.port, '/cut'), /closed/);
});
