import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { askHttp2, http2Client, request } from './http2-client.ts';
import { block, type FrameClient, flags, frame, frameClient, post, pseudo, types, uint32 } from './http2-frames.ts';
import { type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

let platform: SimulatedPlatform;
let started = 0;
let running = 0;

before(async () => {
  platform = await simulatedPlatform({
    streamsMax: 16,
    idleTimeoutMs: 500,
    ratePerSecond: 1_000_000,
    rateBurst: 1_000_000,
  });
  await platform.deploy({ version: 2 });
  await platform.container('ta-1', (incoming, response) => {
    if (incoming.url === '/wait') {
      started += 1;
      running += 1;
      response.once('close', () => {
        running -= 1;
      });
      return;
    }
    incoming.resume();
    incoming.once('end', () => response.end(Buffer.alloc(incoming.url === '/large' ? 1_000_000 : 2, 'o')));
  });
});

after(() => platform?.[Symbol.asyncDispose]());

/** Sends again and again until the router has had enough; what it said last. */
async function insist(client: FrameClient, bytesOf: (round: number) => Buffer, rounds: number): Promise<string> {
  let isClosed = false;
  client.socket.once('close', () => {
    isClosed = true;
  });
  for (let i = 0; i < rounds && !isClosed; i++)
    if (!client.socket.write(bytesOf(i)))
      await Promise.race([once(client.socket, 'drain'), once(client.socket, 'close')]).catch(() => undefined);
  return client.outcome(false);
}

test('who gives requests up faster than they are served is cut off (CVE-2023-44487)', async () => {
  using client = frameClient(platform.port);
  const before = started;
  const wait = block(...pseudo('GET', '/wait'));
  const outcome = await insist(
    client,
    (i) =>
      Buffer.concat([
        frame(types.HEADERS, flags.END_HEADERS | flags.END_STREAM, 2 * i + 1, wait),
        frame(types.RST_STREAM, 0, 2 * i + 1, uint32(8)),
      ]),
    20_000,
  );
  assert.match(outcome, /^connection/);
  assert.ok(started - before < 1_100, `${started - before} requests reached the container`);
  await eventually('nothing of them is left', () => running === 0);
  assert.equal((await ping()).startsWith('goes on'), true);
});

test('who makes the router reset streams is cut off as well', async () => {
  using client = frameClient(platform.port);
  const outcome = await insist(
    client,
    // Trailers that do not end the request are an error for which its stream is reset.
    (i) => Buffer.concat([post(2 * i + 1), frame(types.HEADERS, flags.END_HEADERS, 2 * i + 1, block(['x', 'y']))]),
    20_000,
  );
  assert.match(outcome, /^connection/);
});

/** What would make the router work, answer or hold for nothing. */
const floods: [name: string, bytesOf: (round: number) => Buffer, rounds: number][] = [
  ['SETTINGS', () => frame(types.SETTINGS, 0, 0), 200_000],
  ['PING', () => frame(types.PING, 0, 0, '12345678'), 200_000],
];
for (const [name, bytesOf, rounds] of floods) {
  test(`a flood of ${name} frames from who reads nothing ends its connection`, async () => {
    using client = frameClient(platform.port);
    client.socket.pause();
    let isClosed = false;
    client.socket.once('close', () => {
      isClosed = true;
    });
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => bytesOf(0)));
    for (let sent = 0; sent < rounds * 10 && !isClosed; sent += 1_000)
      await new Promise((resolve) => client.socket.write(many, resolve));
    client.socket.resume();
    await eventually('it is closed', () => isClosed);
  });
}

test('a header block that does not end is cut off (CONTINUATION flood)', async () => {
  using client = frameClient(platform.port);
  client.send(frame(types.HEADERS, flags.END_STREAM, 1, block(...pseudo())));
  const outcome = await insist(client, () => frame(types.CONTINUATION, 0, 1, block(['x', 'y'.repeat(100)])), 100_000);
  assert.match(outcome, /^connection/);
});

test('a head that grows by the table alone is not held (HPACK bomb)', async () => {
  using client = frameClient(platform.port);
  // One large field goes into the table, and is then named again and again by one byte.
  const large = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 'a')]);
  const bomb = Buffer.concat([block(...pseudo()), large, Buffer.alloc(10_000, 0xbe)]);
  client.send(frame(types.HEADERS, flags.END_HEADERS | flags.END_STREAM, 1, bomb));
  const outcome = await client.outcome(true);
  assert.match(outcome, /ENHANCE_YOUR_CALM|another status/);
});

test('answers that nobody reads do not pile up', async () => {
  const before = process.memoryUsage().rss;
  const clients = Array.from({ length: 20 }, () => frameClient(platform.port));
  for (const client of clients) {
    client.socket.pause();
    for (let i = 0; i < 16; i++)
      client.send(
        frame(types.HEADERS, flags.END_HEADERS | flags.END_STREAM, 2 * i + 1, block(...pseudo('GET', '/large'))),
      );
  }
  await eventually('all of them run', () => platform.loads.at(-1)?.pools[0]?.inFlight === 10);
  await eventually('nothing moves', () => (platform.loads.at(-1)?.pools[0]?.queued ?? 0) >= 300);
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 200 * 1024 ** 2, `${Math.round(grown / 1024 ** 2)} MiB more`);
  for (const client of clients) client[Symbol.dispose]();
  await eventually('it is over', () => platform.loads.at(-1)?.pools.length === 0);
});

test('a connection without requests ends after its time, whatever else it says', async () => {
  await using client = http2Client(platform.port);
  let pings = 0;
  const timer = setInterval(() => {
    if (!client.session.destroyed) client.session.ping(() => (pings += 1));
  }, 50);
  const [code] = (await once(client.session, 'goaway')) as [number];
  clearInterval(timer);
  assert.equal(code, constants.NGHTTP2_NO_ERROR);
  assert.ok(pings > 0);
});

test('a head that does not come to its end ends its connection', async () => {
  using client = frameClient(platform.port);
  client.send(frame(types.HEADERS, flags.END_STREAM, 1, block(...pseudo())));
  assert.equal((await client.until(({ type }) => type === types.GOAWAY))?.type, types.GOAWAY);
});

test('no more requests at once than are allowed, and the others are not lost', async () => {
  await using client = http2Client(platform.port);
  await once(client.session, 'remoteSettings');
  const replies = await Promise.all(Array.from({ length: 200 }, () => askHttp2(client.session)));
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
  assert.equal(client.session.remoteSettings.maxConcurrentStreams, 16);
});

test('a stop says so at once, lets running requests end, and then ends the connection', async () => {
  await using stopping = await simulatedPlatform();
  let release: () => void = () => undefined;
  await stopping.container('ta-1', (_incoming, response) => {
    response.write('begun ');
    release = () => void response.end('ended');
  });
  await using client = http2Client(stopping.port);
  const stream = request(client.session);
  stream.setEncoding('utf8');
  const [first] = (await once(stream, 'data')) as [string];
  assert.equal(first, 'begun ');
  const stopped = stopping.stopRouter();
  const [code] = (await once(client.session, 'goaway')) as [number];
  assert.equal(code, constants.NGHTTP2_NO_ERROR);
  release();
  const [last] = (await once(stream, 'data')) as [string];
  assert.equal(last, 'ended');
  await once(client.session, 'close');
  await stopped;
});

async function ping(): Promise<string> {
  using client = frameClient(platform.port);
  return await client.outcome(false);
}
