import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { corpus, GET, POST } from './malformed-requests.ts';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const PAGE = join(import.meta.dirname, '../../../docs/http1-strictness.md');
const MARK = '<!-- written by apps/router/test/refuses-malformed.test.ts from here on -->';

let platform: SimulatedPlatform;
let reached = 0;

before(async () => {
  platform = await simulatedPlatform({
    headerBytesMax: 8_192,
    headTimeoutMs: 300,
    bodyTimeoutMs: 300,
    bodyBytesMax: 1_000,
  });
  await platform.container('ta-1', (request, response) => {
    reached += 1;
    request.resume();
    request.once('end', () => response.end('reached'));
  });
});

after(() => platform?.[Symbol.asyncDispose]());

for (const [name, bytes, status] of corpus) {
  test(`${name} is refused, and the connection ends`, async () => {
    using client = rawClient(platform.port);
    // A second request that must not be seen as one.
    client.send(Buffer.from(`${bytes}${GET}\r\n`, 'latin1'));
    const reply = await client.reply();
    assert.equal(reply.status, status);
    assert.match(reply.body, /^modal-http: /);
    assert.equal(reply.headers.get('connection'), 'close');
    await client.closed;
  });
}

test('none of them has reached the container with a whole request', async () => {
  const before = reached;
  assert.equal((await ask(platform.port)).body, 'reached');
  assert.equal(reached, before + 1);
});

test('a head that does not arrive in time ends the connection', async () => {
  using client = rawClient(platform.port);
  client.send('GET / HTTP/1.1\r\nhost:');
  const reply = await client.reply();
  assert.deepEqual([reply.status, reply.headers.get('connection')], [408, 'close']);
  await client.closed;
});

test('what can become no request is refused before its head has ended', async () => {
  for (const bytes of ['\x16\x03\x01', 'GET /a\nb', `${GET}x: a\0`, `${GET}x y`, 'SSH-2.0-OpenSSH_9.2\r\n']) {
    using client = rawClient(platform.port);
    client.send(Buffer.from(bytes, 'latin1'));
    assert.equal((await client.reply()).status, 400, JSON.stringify(bytes));
    await client.closed;
  }
});

test('a head that comes in two parts is read, wherever it is cut', async () => {
  const head = `${GET}x: a\r\n\r\n`;
  for (let at = 1; at < head.length; at++) {
    using client = rawClient(platform.port);
    client.socket.setNoDelay(true);
    client.send(head.slice(0, at));
    client.send(head.slice(at));
    assert.equal((await client.reply()).body, 'reached', `cut at ${at}`);
  }
});

test('a head that comes byte by byte is read, and refused when it grows too large', async () => {
  using slow = rawClient(platform.port);
  for (const byte of `${GET}\r\n`) slow.send(byte);
  assert.equal((await slow.reply()).body, 'reached');
  using endless = rawClient(platform.port);
  endless.send(GET);
  for (let i = 0; i < 100; i++) endless.send(`x: ${'a'.repeat(100)}\r\n`);
  assert.equal((await endless.reply()).status, 431);
  await endless.closed;
});

test('a chunked body that grows too large ends the exchange', async () => {
  using client = rawClient(platform.port);
  client.send(`${POST}transfer-encoding: chunked\r\n\r\n`);
  for (let i = 0; i < 11; i++) client.send(`64\r\n${'a'.repeat(100)}\r\n`);
  assert.equal((await client.reply()).status, 413);
  await client.closed;
});

test('a host may be written in other ways', async () => {
  for (const host of [HOST.toUpperCase(), `${HOST}:8080`, `${HOST}.`]) {
    using client = rawClient(platform.port);
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.equal((await client.reply()).status, 200, host);
  }
});

test('an absolute target counts for its host', async () => {
  using client = rawClient(platform.port);
  client.send(`GET http://${HOST}/ HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  assert.equal((await client.reply()).status, 200);
});

test('docs/http1-strictness.md has every case with its status', async () => {
  const written = (bytes: string): string =>
    JSON.stringify(bytes.length > 120 ? `${bytes.slice(0, 100)}…` : bytes)
      .slice(1, -1)
      .replaceAll('|', '\\|');
  const rows = corpus.map(([name, bytes, status]) => `| ${name} | ${status} | \`${written(bytes)}\` |`);
  const table = ['| what is wrong | status | bytes |', '|---|---|---|', ...rows].join('\n');
  const page = await readFile(PAGE, 'utf8');
  const wanted = `${page.slice(0, page.indexOf(MARK))}${MARK}\n\n${table}\n`;
  if (process.env['PORTICO_WRITE_PAGES']) await writeFile(PAGE, wanted);
  else assert.equal(page, wanted);
});
