import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { askHttp2, http2Client } from './http2-client.ts';
import { ask, type RawReply, rawClient } from './raw-client.ts';
import { appOf, HOST, poolOf, routeOf } from './simulated-platform.ts';
import { GONE, inFlight, onlyRun, resultOf, sentAway, slowPlatform, untilReading } from './slow-platform.ts';

test('a small answer that nobody comes for leaves its container free, and is still there', async () => {
  await using platform = await slowPlatform({}, poolOf({ poolId: 'po-2', maxConcurrentInputs: 1 }));
  const url = sentAway(await ask(platform.port));
  const { response } = await onlyRun(platform);
  const next = ask(platform.port, '/next');
  response.end('s'.repeat(50_000));
  await eventually('the next one runs', () => platform.runs.length === 2);
  platform.runs[1]?.response.end('next');
  assert.equal((await next).body, 'next');
  assert.equal((await resultOf(platform, url)).body.length, 50_000);
});

test('a large answer stays with its container until somebody comes; its time stands still meanwhile', async () => {
  await using platform = await slowPlatform({}, poolOf({ poolId: 'po-2', timeoutMs: 2_000 }));
  const url = sentAway(await ask(platform.port));
  const { response } = await onlyRun(platform);
  const size = 2 * 1024 * 1024;
  response.writeHead(200, { 'content-length': size });
  response.write(Buffer.alloc(size / 2, 'a'));
  response.end(Buffer.alloc(size / 2, 'b'));
  await eventually('the load is told', () => inFlight(platform) === 1);
  const told = platform.loads.length;
  await eventually('more than its timeout has passed', () => platform.loads.length >= told + 3);
  assert.ok(response.writableLength > size / 2, 'the container still has most of it');
  assert.equal(inFlight(platform), 1);
  const { status, body } = await resultOf(platform, url);
  assert.deepEqual([status, body.length, body.lastIndexOf('a')], [200, size, size / 2 - 1]);
  await eventually('the slot is free', () => inFlight(platform) === 0);
  assert.deepEqual(platform.expired, []);
});

test('an answer that nobody comes for is dropped after a while, and its container with it', async () => {
  await using platform = await slowPlatform({ resultExpiryMs: 100 });
  const [small, large] = [await ask(platform.port, '/small'), await ask(platform.port, '/large')].map(sentAway);
  await eventually('both run', () => platform.runs.length === 2);
  for (const { request, response } of platform.runs)
    response.end(request.url === '/small' ? 'small' : Buffer.alloc(16 * 1024 * 1024));
  const closed = platform.runs.find(({ request }) => request.url === '/large')?.response;
  await eventually('the container hears', () => closed?.destroyed && !closed.writableFinished);
  for (const url of [small ?? '', large ?? '']) {
    // HEAD is refused as long as there is an answer to GET, and takes nothing.
    await eventually('it is gone', async () => (await ask(platform.port, url, '', 'HEAD')).status === 408);
    assert.equal((await ask(platform.port, url)).status, 408);
  }
  await eventually('the slots are free', () => inFlight(platform) === 0);
});

test('only GET reads a result, HEAD that of a HEAD, and what was refused has read nothing', async () => {
  await using platform = await slowPlatform();
  const get = sentAway(await ask(platform.port, '/get'));
  const head = sentAway(await ask(platform.port, '/head', '', 'HEAD'));
  for (const [url, method] of [
    [get, 'POST'],
    [get, 'HEAD'],
    [get, 'OPTIONS'],
    [head, 'GET'],
    ['/?__modal_attempt_token=nobody', 'PUT'],
  ] as const) {
    const { status, body } = await ask(platform.port, url, '', method);
    assert.deepEqual([status, body], [400, method === 'HEAD' ? '' : 'modal-http: bad redirect method'], method);
  }
  for (const { response } of platform.runs) response.writeHead(200, { 'content-length': 6 }).end('answer');
  assert.equal((await resultOf(platform, get)).body, 'answer');
  const reply = await resultOf(platform, head, '', 'HEAD');
  assert.deepEqual([reply.status, reply.headers.get('content-length')], [200, '6']);
  assert.equal(platform.runs.length, 2);
});

test('a result belongs to its host and function, and needs the credentials that the call needed', async () => {
  await using platform = await slowPlatform();
  const other = 'local--app-other.localhost';
  await platform.token('wk-1', 'ws-1');
  await platform.deploy(
    appOf({
      version: 3,
      pools: [poolOf(), poolOf({ poolId: 'po-3', functionId: 'fu-3' })],
      routes: [routeOf({ requiresProxyAuth: true }), routeOf({ host: other, poolId: 'po-3', functionId: 'fu-3' })],
    }),
  );
  const credentials = 'modal-key: wk-1\r\nmodal-secret: ws-1\r\n';
  await eventually('it asks for credentials', async () => (await ask(platform.port)).status === 401);
  const url = sentAway(await ask(platform.port, '/', credentials));
  (await onlyRun(platform)).response.end('mine');
  assert.equal((await ask(platform.port, url)).status, 401);
  using client = rawClient(platform.port);
  client.send(`GET ${url} HTTP/1.1\r\nhost: ${other}\r\n\r\n`);
  assert.equal((await client.reply()).status, 408);
  await platform.deploy(appOf({ version: 4, pools: [poolOf()], routes: [routeOf({ functionId: 'fu-9' })] }));
  await eventually('the host leads elsewhere', async () => (await ask(platform.port, url)).status === 408);
  await platform.deploy(appOf({ version: 5, pools: [poolOf()], routes: [routeOf({ requiresProxyAuth: true })] }));
  await eventually('it asks again', async () => (await ask(platform.port, url)).status === 401);
  assert.equal((await resultOf(platform, url, credentials)).body, 'mine');
});

test('who leaves in the middle of a result has had it', async () => {
  await using platform = await slowPlatform();
  const url = sentAway(await ask(platform.port));
  const { response } = await onlyRun(platform);
  const client = rawClient(platform.port);
  client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  response.write('first');
  await client.bytes();
  client[Symbol.dispose]();
  await eventually('the container hears', () => response.destroyed);
  assert.equal((await ask(platform.port, url)).status, 408);
});

test('of two who wait for a result the later one gets it', async () => {
  await using platform = await slowPlatform({ redirectAfterMs: 1_000 });
  const url = sentAway(await ask(platform.port));
  const run = await onlyRun(platform);
  using first = rawClient(platform.port);
  first.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await untilReading(first, run);
  const second = resultOf(platform, url);
  let reply = await first.reply();
  while (reply.status === 103) reply = await first.reply();
  assert.deepEqual([reply.status, reply.body], [408, GONE]);
  run.response.end('once');
  assert.equal((await second).body, 'once');
});

test('a script of another origin may follow and read, and asks before it does so', async () => {
  await using platform = await slowPlatform();
  const origin = 'origin: https://page.example\r\n';
  const allowed = ({ headers }: RawReply): unknown[] => [
    headers.get('access-control-allow-origin'),
    headers.get('access-control-allow-credentials'),
  ];
  const away = await ask(platform.port, '/', origin);
  assert.deepEqual(allowed(away), ['https://page.example', 'true']);
  const url = sentAway(away);
  const asks = `${origin}access-control-request-method: GET\r\naccess-control-request-headers: x-own\r\n`;
  const preflight = await ask(platform.port, url, asks, 'OPTIONS');
  assert.deepEqual([preflight.status, ...allowed(preflight)], [200, 'https://page.example', 'true']);
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-own');
  (await onlyRun(platform)).response.writeHead(200, { 'access-control-allow-origin': 'https://own.example' }).end();
  const reply = await resultOf(platform, url, origin);
  assert.deepEqual(allowed(reply), ['https://own.example', undefined], 'the app says who may read its answer');
  assert.deepEqual(allowed(await ask(platform.port, url, origin)), ['https://page.example', 'true']);
  assert.deepEqual(allowed(await ask(platform.port, url)), [undefined, undefined]);
});

test('a result comes to who asks in another version of HTTP than the call did', async () => {
  await using platform = await slowPlatform();
  const urls = [sentAway(await ask(platform.port, '/1')), sentAway(await ask(platform.port, '/2'))];
  await using client = http2Client(platform.port);
  const away = await askHttp2(client.session, { ':path': '/3' });
  assert.equal(away.status, 303);
  urls.push(away.fields[away.fields.indexOf('location') + 1] ?? '');
  for (const { request, response } of platform.runs) {
    response.write('chunk ');
    response.end(request.url);
  }
  assert.equal((await askHttp2(client.session, { ':path': urls[0] ?? '' })).body, 'chunk /1');
  using old = rawClient(platform.port);
  old.send(`GET ${urls[1]} HTTP/1.0\r\nhost: ${HOST}\r\n\r\n`);
  const reply = await old.reply();
  assert.deepEqual([reply.body, reply.headers.get('transfer-encoding')], ['chunk /2', undefined]);
  assert.equal((await resultOf(platform, urls[2])).body, 'chunk /3');
});

test('the body of who reads a result does not reach the container', async () => {
  // One thread, so that the next request finds the same connection.
  await using platform = await slowPlatform({ redirectAfterMs: 300, threads: 1 });
  const url = sentAway(await ask(platform.port));
  const { request, response } = await onlyRun(platform);
  using client = rawClient(platform.port);
  client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 6\r\n\r\nGET /s`);
  sentAway(await client.reply());
  client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\ntransfer-encoding: chunked\r\n\r\nx`);
  assert.equal((await client.reply()).status, 400);
  const read = resultOf(platform, url);
  response.end('answer');
  assert.equal((await read).body, 'answer');
  const next = ask(platform.port, '/next');
  await eventually('the connection is good', () => platform.runs.length === 2);
  assert.equal(platform.runs[1]?.request.socket, request.socket);
  platform.runs[1]?.response.end('next');
  assert.equal((await next).body, 'next');
});
