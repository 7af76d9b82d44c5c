import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setInterval } from 'node:timers/promises';
import { nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { ask, type RawClient, rawClient } from './raw-client.ts';
import { appOf, HOST, poolOf, routeOf, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const TIMEOUT_MS = 300;
const GET = `GET / HTTP/1.1\r\nhost: ${HOST}\r\n`;
const POST = `POST / HTTP/1.1\r\nhost: ${HOST}\r\n`;
const PINGS = 'local--app-pings.localhost';

let platform: SimulatedPlatform;
/** Lets the container that takes its time go on. */
let goOn: () => void = () => undefined;
/** What the container that speaks for itself writes when it is asked. */
let say: (bytes: string) => void = () => undefined;

before(async () => {
  platform = await simulatedPlatform({
    headTimeoutMs: TIMEOUT_MS,
    bodyTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: 2 * TIMEOUT_MS,
  });
  await platform.deploy(
    appOf({
      version: 2,
      routes: [routeOf({ poolId: 'po-2' }), routeOf({ host: PINGS, poolId: 'po-3' })],
      pools: [poolOf({ poolId: 'po-2' }), poolOf({ poolId: 'po-3' })],
    }),
  );
  const isSlow = (path: string | undefined): boolean => path === '/slow';
  await platform.container(
    'ta-1',
    async (request, response) => {
      request.on('error', () => undefined);
      if (isSlow(request.url)) await new Promise<void>((resolve) => (goOn = resolve));
      let bytes = 0;
      request.on('data', (piece: Buffer) => (bytes += piece.length));
      request.once('end', () => response.end(`${bytes} bytes`));
    },
    { poolId: 'po-2' },
  );
  await platform.rawContainer('ta-2', (socket) => (say = (bytes) => void socket.write(bytes)));
  await platform.report('ta-2', {
    ...{ poolId: 'po-3', state: nodeAgent.ContainerState.READY, wasReady: true },
    addresses: [{ methodName: '', endpoint: { $case: 'unixPath', value: platform.socketOf('ta-2') } }],
  });
  await eventually('it serves', async () => (await ask(platform.port)).body === '0 bytes');
});

after(() => platform?.[Symbol.asyncDispose]());

/** Sends a piece again and again, never silent for as long as a timeout, until there have been so many. */
async function trickle(client: RawClient, piece: string, count: number): Promise<void> {
  let sent = 0;
  for await (const _ of setInterval(TIMEOUT_MS / 4)) {
    if (sent === count || client.socket.destroyed || client.socket.readableEnded) return;
    client.send(piece);
    sent += 1;
  }
}

/** Waits for longer than any timeout here, by what the router says once a second. */
async function muchLater(): Promise<void> {
  const since = platform.loads.length;
  await eventually('a second has passed', () => platform.loads.length >= since + 2);
}

const nothingRuns = () => eventually('no container is held', () => platform.loads.at(-1)?.pools.length === 0);

test('empty lines before a request are read over, wherever they are cut', async () => {
  for (const [first = '', second = ''] of [
    ['\r', '\n'],
    ['\r\n\r', '\n\r\n'],
    ['\r\n', '\r\n'],
    // Far more than a head may have.
    ['\r', `\n${'\r\n'.repeat(500_000)}`],
  ]) {
    using client = rawClient(platform.port);
    client.send(first);
    // Whoever is answered after that has come after it.
    await ask(platform.port);
    client.send(`${second}${GET}\r\n`);
    assert.equal((await client.reply()).status, 200, JSON.stringify([first, second.slice(0, 10)]));
  }
  using other = rawClient(platform.port);
  other.send('\r');
  await ask(platform.port);
  other.send(`${GET}\r\n`);
  assert.equal((await other.reply()).status, 400);
});

test('a head that comes byte by byte has no more time than another', async () => {
  using client = rawClient(platform.port);
  const sending = trickle(client, 'x', 20);
  client.send(`${GET}x: `);
  const reply = await client.reply();
  assert.deepEqual([reply.status, reply.body], [408, 'modal-http: the request did not arrive in time']);
  client[Symbol.dispose]();
  await sending;
});

test('a body that stalls ends with a 408, and its container is free again', async () => {
  for (const head of ['content-length: 10\r\n\r\nabc', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n']) {
    using client = rawClient(platform.port);
    client.send(`${POST}${head}`);
    const reply = await client.reply();
    assert.deepEqual(
      [reply.status, reply.body, reply.headers.get('connection')],
      [408, 'modal-http: the request did not arrive in time', 'close'],
    );
    await client.closed;
    await nothingRuns();
  }
});

test('a body that never begins is the same', async () => {
  assert.equal((await ask(platform.port, '/', 'content-length: 10\r\n', 'POST')).status, 408);
});

test('a body that comes slowly is taken as long as it comes', async () => {
  using client = rawClient(platform.port);
  client.send(`${POST}content-length: 10\r\n\r\n`);
  await trickle(client, 'x', 10);
  assert.equal((await client.reply()).body, '10 bytes');
});

test('a client whose container does not read on is not to blame', async () => {
  const size = 8 * 1024 ** 2;
  using client = rawClient(platform.port);
  client.send(`POST /slow HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${size}\r\n\r\n`);
  client.send(Buffer.alloc(size, 'a'));
  await muchLater();
  goOn();
  assert.equal((await client.reply()).body, `${size} bytes`);
});

test('a client that asks whether to send its body may wait, but not after it has heard that it should', async () => {
  const head = `POST / HTTP/1.1\r\nhost: ${PINGS}\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n`;
  for (const sends of [true, false]) {
    using client = rawClient(platform.port);
    client.send(head);
    await muchLater();
    say('HTTP/1.1 100 Continue\r\n\r\n');
    assert.equal((await client.reply(true)).status, 100);
    if (sends) {
      client.send('ping');
      await muchLater();
      say('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong');
    }
    assert.equal((await client.reply()).status, sends ? 200 : 408);
  }
});

test('a client that keeps its question from the container waits for nothing', async () => {
  using client = rawClient(platform.port);
  client.send(
    `POST / HTTP/1.1\r\nhost: ${PINGS}\r\nconnection: expect\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n`,
  );
  assert.equal((await client.reply()).status, 408);
});

test('an idle connection is kept for the next request, and ends without a word when there is none', async () => {
  using client = rawClient(platform.port);
  for (let i = 0; i < 3; i++) {
    client.send(`${GET}\r\n`);
    assert.equal((await client.reply()).status, 200);
  }
  const began = performance.now();
  await client.closed;
  assert.ok(performance.now() - began >= 2 * TIMEOUT_MS - 10, 'not before its time');
  assert.equal(await client.bytes().catch(() => ''), '');
});
