import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { askHttp2, http2Client, replyOf, request, valuesOf } from './http2-client.ts';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

let platform: SimulatedPlatform;
/** What the container has seen, newest last. */
const seen: { method: string; url: string; headers: NodeJS.Dict<string | string[]>; body: string; trailers: object }[] =
  [];
let leavers = 0;

before(async () => {
  platform = await simulatedPlatform({ headerBytesMax: 8_192, bodyBytesMax: 64 * 1024 ** 2 });
  await platform.container('ta-1', async (incoming, response) => {
    const url = incoming.url ?? '';
    if (url === '/leave') {
      response.once('close', () => {
        leavers += 1;
      });
      response.write('first');
      return;
    }
    if (url === '/echo') {
      incoming.pipe(response);
      return;
    }
    if (url === '/early') return void response.writeHead(403).end('no');
    if (url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    let body = '';
    for await (const piece of incoming) body += String(piece);
    const { method = '', headers, trailers } = incoming;
    seen.push({ method, url, headers, body, trailers });
    if (url === '/none') return void response.writeHead(204).end();
    if (url === '/cut-chunked') return void response.write('12345', () => response.destroy());
    if (url === '/cut')
      return void response.writeHead(200, { 'content-length': 10 }).end('12345', () => response.destroy());
    if (url === '/trailers') {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      return void response.end();
    }
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.setHeader('keep-alive', 'timeout=5');
    response.setHeader('x-latin', '\xe9');
    response.end(Buffer.from(`${method} ${url} ${body}`));
  });
});

after(() => platform?.[Symbol.asyncDispose]());

test('many requests at once on one connection, beside HTTP/1.1 on the same port', async () => {
  await using client = http2Client(platform.port);
  const paths = Array.from({ length: 50 }, (_, i) => `/p${i}`);
  const replies = await Promise.all(paths.map((path) => askHttp2(client.session, { ':path': path })));
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body]),
    paths.map((path) => [200, `GET ${path} `]),
  );
  assert.equal((await ask(platform.port, '/one')).body, 'GET /one ');
  const { fields } = replies[0] ?? { fields: [] };
  assert.deepEqual(
    ['set-cookie', 'x-latin', 'keep-alive', 'connection', 'transfer-encoding'].map((name) => valuesOf(fields, name)),
    [['a=1', 'b=2'], ['\xe9'], [], [], []],
  );
  assert.match(valuesOf(fields, 'modal-function-call-id')[0] ?? '', /^fc-/);
});

test('the preface may come byte by byte', async () => {
  using client = rawClient(platform.port);
  client.socket.setNoDelay(true);
  const preface = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  ]);
  for (const byte of preface)
    await new Promise<void>((resolve) => client.socket.write(Buffer.from([byte]), () => resolve()));
  // Its own SETTINGS frame, and then the word that ours has come.
  let bytes = '';
  while (!bytes.includes('\x00\x00\x00\x04\x01\x00\x00\x00\x00')) bytes += await client.bytes();
});

test('the container gets what HTTP/1.1 would have sent, with what the router knows', async () => {
  await using client = http2Client(platform.port);
  await askHttp2(client.session, {
    ':path': '/headers?x=%20y',
    cookie: ['a=1', 'b=2'],
    te: 'trailers',
    'x-latin': '\xe9',
    'x-forwarded-for': '6.6.6.6',
    'portico-client-address': '6.6.6.6:1',
    'modal-foo': 'x',
  });
  const { headers, url } = seen.at(-1) ?? { headers: {} as NodeJS.Dict<string>, url: '' };
  assert.equal(url, '/headers?x=%20y');
  for (const name of ['te', 'x-forwarded-for', 'modal-foo', ':path', 'transfer-encoding'])
    assert.equal(headers[name], undefined, name);
  assert.match(String(headers['portico-client-address']), /^127\.0\.0\.1:\d+$/);
  assert.match(String(headers['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  assert.deepEqual([headers['host'], headers['cookie'], headers['x-latin']], [HOST, 'a=1; b=2', '\xe9']);
});

test('bodies with a length and without one, with trailers', async () => {
  await using client = http2Client(platform.port);
  const long = request(client.session, { ':method': 'POST', ':path': '/length', 'content-length': 5 });
  long.end('hello');
  assert.equal((await replyOf(long)).body, 'POST /length hello');
  assert.equal(seen.at(-1)?.headers['content-length'], '5');
  const open = request(client.session, { ':method': 'POST', ':path': '/open' }, { waitForTrailers: true });
  open.on('wantTrailers', () => open.sendTrailers({ 'x-sum': '7', 'x-forwarded-for': '6.6.6.6' }));
  open.write('he');
  open.end('llo');
  assert.equal((await replyOf(open)).body, 'POST /open hello');
  assert.deepEqual({ ...seen.at(-1)?.trailers }, { 'x-sum': '7' });
});

test('trailers and interim answers reach the client', async () => {
  await using client = http2Client(platform.port);
  const trailed = request(client.session, { ':path': '/trailers' });
  const trailers = once(trailed, 'trailers');
  assert.equal((await replyOf(trailed)).body, 'body');
  assert.equal((await trailers)[0]['x-sum'], '42');
  const hinted = request(client.session, { ':path': '/hints' });
  const hints = once(hinted, 'headers');
  assert.equal((await replyOf(hinted)).status, 200);
  const [early] = await hints;
  assert.deepEqual([early[':status'], early['link']], [103, '</a.css>; rel=preload']);
  const patient = request(client.session, { ':method': 'POST', ':path': '/go', expect: '100-continue' });
  await once(patient, 'continue');
  patient.end('ok');
  assert.equal((await replyOf(patient)).body, 'POST /go ok');
});

test('HEAD and 204 have no body', async () => {
  await using client = http2Client(platform.port);
  const head = await askHttp2(client.session, { ':method': 'HEAD', ':path': '/head' });
  assert.deepEqual([head.status, head.body], [200, '']);
  const none = await askHttp2(client.session, { ':path': '/none' });
  assert.deepEqual([none.status, none.body, valuesOf(none.fields, 'content-length')], [204, '', []]);
});

test('bodies pass both ways as they come', async () => {
  await using client = http2Client(platform.port);
  const stream = request(client.session, { ':method': 'POST', ':path': '/echo' });
  let text = '';
  stream.on('data', (piece) => {
    text += String(piece);
  });
  stream.write('first');
  await eventually('the first has come back', () => text === 'first');
  stream.end('second');
  await once(stream, 'end');
  assert.equal(text, 'firstsecond');
});

test('a body of many megabytes passes whole while its reader is slow, and holds up no other stream', async () => {
  await using client = http2Client(platform.port);
  const size = 32 * 1024 * 1024;
  const stream = request(client.session, { ':method': 'POST', ':path': '/echo', 'content-length': size });
  const piece = Buffer.alloc(1024 * 1024, 'm');
  let written = 0;
  const write = async (): Promise<void> => {
    for (; written < size; written += piece.length) if (!stream.write(piece)) await once(stream, 'drain');
    stream.end();
  };
  const writing = write();
  // Nobody reads: the writer must come to a halt rather than fill the router.
  await eventually('the way is full', () => stream.writableNeedDrain);
  assert.equal((await askHttp2(client.session, { ':path': '/other' })).body, 'GET /other ');
  let length = 0;
  stream.on('data', (bytes: Buffer) => {
    length += bytes.length;
  });
  await Promise.all([writing, once(stream, 'end')]);
  assert.equal(length, size);
});

test('a connection to a container is usable again after an answer that its client was slow to take', async () => {
  await using client = http2Client(platform.port);
  for (let i = 0; i < 5; i++) {
    const slow = request(client.session, { ':method': 'POST', ':path': '/large' });
    slow.end('x'.repeat(100_000));
    await once(slow, 'response');
    assert.equal((await askHttp2(client.session, { ':path': '/next' })).body, 'GET /next ');
    assert.equal((await replyOf(slow)).body.length, 'POST /large '.length + 100_000);
  }
});

test('the container hears when the client gives a request up, and the connection goes on', async () => {
  await using client = http2Client(platform.port);
  const before = leavers;
  const stream = request(client.session, { ':path': '/leave' });
  await once(stream, 'data');
  stream.close(constants.NGHTTP2_CANCEL);
  await eventually('the container has heard', () => leavers === before + 1);
  assert.equal((await askHttp2(client.session, { ':path': '/next' })).status, 200);
  const lost = request(client.session, { ':path': '/leave' });
  lost.on('error', () => undefined);
  await once(lost, 'data');
  client.session.socket.destroy();
  await eventually('the container has heard again', () => leavers === before + 2);
});

test('an answer that was cut off is not taken for a whole one', async () => {
  await using client = http2Client(platform.port);
  for (const path of ['/cut', '/cut-chunked'])
    await assert.rejects(askHttp2(client.session, { ':path': path }), /NGHTTP2_INTERNAL_ERROR/, path);
  assert.equal((await askHttp2(client.session, { ':path': '/next' })).status, 200);
});

test('an answer that comes before the end of the request ends the stream without an error', async () => {
  await using client = http2Client(platform.port);
  const stream = request(client.session, { ':method': 'POST', ':path': '/early' });
  stream.write('part');
  const reply = await replyOf(stream);
  assert.deepEqual([reply.status, reply.body], [403, 'no']);
  await eventually('the stream is closed', () => stream.closed);
  assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
});

/** What the router itself answers, by request. */
const refusals: [name: string, headers: Record<string, string | number>, body: string | undefined, status: number][] = [
  ['a host that nobody has', { ':authority': 'nobody.localhost' }, undefined, 404],
  ['an authority and another host', { host: 'other.localhost' }, undefined, 400],
  ['a head that is too large', { 'x-large': 'a'.repeat(9_000) }, undefined, 431],
  ['a body that says it is too large', { ':method': 'POST', 'content-length': 64 * 1024 ** 2 + 1 }, 'a', 413],
  ['a byte in the path that must be encoded', { ':path': '/\xe9' }, undefined, 400],
];
for (const [name, headers, body, status] of refusals) {
  test(`${name} is answered with ${status}, and the connection goes on`, async () => {
    await using client = http2Client(platform.port);
    const stream = request(client.session, headers);
    if (body !== undefined) stream.write(body);
    else stream.end();
    const reply = await replyOf(stream);
    assert.equal(reply.status, status);
    assert.match(reply.body, /^modal-http: /);
    assert.equal((await askHttp2(client.session, { ':path': '/next' })).status, 200);
  });
}

test('a body that grows too large is answered with a 413', async () => {
  await using small = await simulatedPlatform({ bodyBytesMax: 1_000 });
  await small.container('ta-1', (incoming) => void incoming.resume());
  await using client = http2Client(small.port);
  const stream = request(client.session, { ':method': 'POST' });
  stream.write('a'.repeat(1_001));
  assert.equal((await replyOf(stream)).status, 413);
});
