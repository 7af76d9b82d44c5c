import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

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

const GET = `GET / HTTP/1.1\r\nhost: ${HOST}\r\n`;
const POST = `POST / HTTP/1.1\r\nhost: ${HOST}\r\n`;

/** What two servers could read in two ways: one of them would see a request that the other did not. */
const corpus: [name: string, bytes: string, status: number][] = [
  ['both framings', `${POST}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['two lengths', `${POST}content-length: 4\r\ncontent-length: 5\r\n\r\nabcd`, 400],
  ['a list of lengths', `${POST}content-length: 4, 4\r\n\r\nabcd`, 400],
  ['a length with a sign', `${POST}content-length: +4\r\n\r\nabcd`, 400],
  ['a length in hex', `${POST}content-length: 0x4\r\n\r\nabcd`, 400],
  ['a length that is none', `${POST}content-length: \r\n\r\n`, 400],
  ['a negative length', `${POST}content-length: -1\r\n\r\n`, 400],
  ['a coding before chunked', `${POST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunked twice', `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a coding that is not chunked', `${POST}transfer-encoding: identity\r\n\r\n`, 400],
  ['chunked with a byte before', `${POST}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
  ['a space before the colon', `${GET}content-length : 4\r\n\r\n`, 400],
  ['a folded header', `${GET}x: a\r\n b\r\n\r\n`, 400],
  ['a bare newline', `${GET}x: a\ny: b\r\n\r\n`, 400],
  ['a bare return', `${GET}x: a\ry: b\r\n\r\n`, 400],
  ['a zero byte', `${GET}x: a\0b\r\n\r\n`, 400],
  ['a header without a name', `${GET}: a\r\n\r\n`, 400],
  ['a header without a colon', `${GET}nothing\r\n\r\n`, 400],
  ['a name that is no token', `${GET}x y: a\r\n\r\n`, 400],
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two hosts', `${GET}host: other\r\n\r\n`, 400],
  ['another protocol', `GET / HTTP/2.0\r\nhost: ${HOST}\r\n\r\n`, 505],
  ['a protocol in small letters', `GET / http/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['two spaces', `GET  / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['a method that is no token', `GE(T / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['a target with a space', `GET /a b HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['a target that is no path', `GET a HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['a tunnel', `CONNECT ${HOST}:443 HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, 400],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ['a chunk size that is none', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['a chunk size with a sign', `${POST}transfer-encoding: chunked\r\n\r\n+1\r\na\r\n`, 400],
  ['a huge chunk size', `${POST}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n`, 400],
  ['a chunk longer than it says', `${POST}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`, 400],
  ['a chunk size with a bare newline', `${POST}transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`, 400],
  ['a head that is too large', `${GET}x: ${'a'.repeat(9_000)}\r\n\r\n`, 431],
  ['a body that says it is too large', `${POST}content-length: 1001\r\n\r\n`, 413],
  ['a chunk that says it is too large', `${POST}transfer-encoding: chunked\r\n\r\n3e9\r\n`, 413],
];

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
