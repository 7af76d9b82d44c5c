import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { ask, type RawReply, rawClient } from './raw-client.ts';
import { failedStart, HOST, poolOf, simulatedPlatform } from './simulated-platform.ts';
import { GONE, onlyRun, type Run, resultOf, sentAway, slowPlatform, untilReading } from './slow-platform.ts';

test('who waits too long is sent away, as often as it takes, and gets the answer of the one run, once', async () => {
  await using platform = await slowPlatform();
  const url = sentAway(await ask(platform.port, '/a%20b?x=1&y', 'content-length: 4\r\n', 'POST', 'body'));
  assert.match(url, /^\/a%20b\?x=1&y&__/);
  assert.equal(sentAway(await ask(platform.port, url)), url);
  const reply = resultOf(platform, url);
  const { request, response, body } = await onlyRun(platform);
  response.writeHead(201, { 'x-own': 'yes', 'set-cookie': ['a=1', 'b=2'] });
  response.write('first ');
  response.end('second');
  const { status, headers, body: answer } = await reply;
  assert.deepEqual(
    [status, headers.get('x-own'), headers.get('set-cookie'), answer],
    [201, 'yes', 'a=1, b=2', 'first second'],
  );
  assert.equal(headers.get('modal-function-call-id'), `fc-${request.headers['portico-request-id']}`);
  assert.deepEqual([request.method, request.url, body], ['POST', '/a%20b?x=1&y', 'body']);
  const again = await ask(platform.port, url);
  assert.deepEqual([again.status, again.body], [408, GONE]);
  assert.equal(platform.runs.length, 1);
});

test('an answer begins at the result URL as soon as it begins in the container', async () => {
  await using platform = await slowPlatform();
  const url = sentAway(await ask(platform.port));
  using client = rawClient(platform.port);
  client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  const { response } = await onlyRun(platform);
  response.write('first');
  let text = '';
  while (!text.includes('first')) text += await client.bytes();
  response.end('second');
  while (!text.includes('second')) text += await client.bytes();
});

test('a workspace that has as many results as it may lets its clients wait', async () => {
  await using platform = await slowPlatform({ resultsMax: 1, resultExpiryMs: 60_000 });
  const url = sentAway(await ask(platform.port, '/first'));
  const second = ask(platform.port, '/second');
  await eventually('both run', () => platform.runs.length === 2);
  assert.equal(sentAway(await ask(platform.port, url)), url);
  platform.runs[1]?.response.end('second');
  assert.deepEqual([(await second).status, (await second).body], [200, 'second']);
  platform.runs[0]?.response.end('first');
  assert.equal((await resultOf(platform, url)).body, 'first');
  sentAway(await ask(platform.port, '/third'));
});

test('who leaves before it is sent away ends the call; who leaves afterwards does not', async () => {
  await using platform = await slowPlatform({ redirectAfterMs: 500 });
  const leaver = rawClient(platform.port);
  leaver.send(`GET /left HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  const left = await onlyRun(platform);
  leaver[Symbol.dispose]();
  await eventually('the container hears', () => left.response.destroyed);
  const url = sentAway(await ask(platform.port, '/stays'));
  const run = platform.runs[1] as Run;
  const reader = rawClient(platform.port);
  reader.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await untilReading(reader, run);
  reader[Symbol.dispose]();
  sentAway(await ask(platform.port, url));
  assert.equal(run.response.destroyed, false);
  run.response.end('whole');
  assert.equal((await resultOf(platform, url)).body, 'whole');
});

test('what goes wrong after the client was sent away is told at the result URL', async () => {
  await using platform = await slowPlatform({}, poolOf({ poolId: 'po-2', timeoutMs: 600 }));
  const late = sentAway(await ask(platform.port, '/late'));
  const broken = sentAway(await ask(platform.port, '/broken'));
  const cut = sentAway(await ask(platform.port, '/cut'));
  await eventually('all run', () => platform.runs.length === 3);
  const responseOf = (path: string) => platform.runs.find(({ request }) => request.url === path)?.response;
  responseOf('/broken')?.destroy();
  const half = responseOf('/cut');
  half?.writeHead(200, { 'content-length': 10 }).write('12345', () => half.destroy());
  for (const [url, status, text] of [
    [late, 500, 'internal error: function execution timed out'],
    [broken, 502, 'unreachable'],
    [cut, 502, 'unreachable'],
  ] as const) {
    const reply = await resultOf(platform, url);
    assert.deepEqual([reply.status, reply.body], [status, `modal-http: ${text}`]);
    assert.equal((await ask(platform.port, url)).status, 408);
  }
});

test('who is sent away before there is a container keeps the place in the queue', async () => {
  await using platform = await simulatedPlatform({ redirectAfterMs: 100 });
  const [failing, waiting] = [sentAway(await ask(platform.port)), sentAway(await ask(platform.port, '/waits'))];
  await eventually('both still wait', () => platform.loads.at(-1)?.pools[0]?.queued === 2);
  await platform.report('ta-0', failedStart('ModuleNotFoundError: no module named x'));
  for (const url of [failing, waiting]) {
    const { status, body } = await resultOf(platform, url);
    assert.deepEqual(
      [status, body],
      [500, 'modal-http: internal error: status Failure: ModuleNotFoundError: no module named x'],
    );
  }
  const url = sentAway(await ask(platform.port, '/third'));
  await platform.container('ta-1', (request, response) => response.end(request.url));
  assert.equal((await resultOf(platform, url)).body, '/third');
});

test('a request that still comes, an answer that has begun and an upgrade are not sent away', async () => {
  await using platform = await slowPlatform({ redirectAfterMs: 100 });
  using uploads = rawClient(platform.port);
  uploads.send(`POST /upload HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 8\r\n\r\nfour`);
  using streams = rawClient(platform.port);
  streams.send(`GET /stream HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  const { response } = await onlyRun(platform);
  response.write('begun ');
  using upgrades = rawClient(platform.port);
  upgrades.send(`GET /ws HTTP/1.1\r\nhost: ${HOST}\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\n`);
  for (const path of ['/a', '/b', '/c']) sentAway(await ask(platform.port, path));
  uploads.send('five');
  await eventually('the upload is whole', () => platform.runs.some(({ request }) => request.url === '/upload'));
  platform.runs.find(({ request }) => request.url === '/upload')?.response.end('uploaded');
  response.end('ended');
  assert.equal((await uploads.reply()).body, 'uploaded');
  assert.equal((await streams.reply()).body, 'begun ended');
  platform.runs.find(({ request }) => request.url === '/ws')?.response.end('no upgrade');
  assert.equal((await upgrades.reply()).body, 'no upgrade');
});

test('a router that stops lets calls end that go on without their clients, but not for ever', async () => {
  await using platform = await slowPlatform();
  for (const path of ['/short', '/long']) sentAway(await ask(platform.port, path));
  await eventually('both run', () => platform.runs.length === 2);
  const [short, long] = ['/short', '/long'].map((path) => platform.runs.find(({ request }) => request.url === path));
  const stopping = platform.stopRouter();
  await eventually('it takes no more connections', () =>
    ask(platform.port).then(
      () => false,
      () => true,
    ),
  );
  assert.deepEqual([short?.response.destroyed, long?.response.destroyed], [false, false]);
  const closed = new Promise((resolve) => long?.response.once('close', resolve));
  short?.response.end('done');
  await new Promise((resolve) => short?.response.once('close', resolve));
  assert.equal(short?.response.writableFinished, true);
  await Promise.all([stopping, closed]);
});

test('a server class is never sent away', async () => {
  await using platform = await slowPlatform({}, poolOf({ poolId: 'po-2', isServer: true }));
  // It is refused at once for as long as its container is not known.
  const untilLetIn = async (): Promise<RawReply> => {
    const reply = await ask(platform.port, '/server');
    return reply.status === 503 ? untilLetIn() : reply;
  };
  const asked = untilLetIn();
  const { response } = await onlyRun(platform);
  const told = platform.loads.length;
  await eventually('much longer than a web function may', () => platform.loads.length >= told + 1);
  response.end('served');
  assert.deepEqual([(await asked).status, (await asked).body], [200, 'served']);
});
