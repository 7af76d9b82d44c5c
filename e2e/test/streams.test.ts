import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';
import { containersOf, forgetPeak, peakMib } from '../src/processes.ts';

const MIB = 1024 * 1024;
const BODIES = 'local--streams-bodies';
/** What a process may need more for a body of any length. */
const MORE_MIB = 64;

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/streams.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
  await ask(platform, BODIES, '/sent/none');
});

after(() => platform?.[Symbol.asyncDispose]());

function open(label: string, path: string, method = 'GET', headers: Record<string, string> = {}): ClientRequest {
  const sent = request({
    host: '127.0.0.1',
    port: platform.httpPort,
    path,
    method,
    headers: { host: `${label}.localhost`, ...headers },
    agent: false,
  });
  sent.on('error', () => undefined);
  return sent;
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

/** What the router and the container need more than before while something happens, at most. */
async function growthWhile(work: () => Promise<unknown>): Promise<number[]> {
  const [container] = await containersOf(platform, 'bodies');
  const pids = [(await platform.processIds()).get('router') ?? 0, container?.pid ?? 0];
  pids.forEach(forgetPeak);
  const before = pids.map(peakMib);
  await work();
  return pids.map((pid, at) => peakMib(pid) - (before[at] ?? 0));
}

test('each event arrives when it is sent, not later', async () => {
  const sent = open(BODIES, '/events');
  sent.end();
  const pieces = (await answerOf(sent)).setEncoding('utf8')[Symbol.asyncIterator]();
  // The next one is sent only when the one before has arrived.
  for (const text of ['one', 'two', 'three']) {
    await ask(platform, BODIES, `/events/${text}`, { method: 'POST' });
    assert.equal((await pieces.next()).value, `data: ${text}\n\n`);
  }
  sent.destroy();
});

test('an answer of 1 GiB passes in constant memory of router and container', async () => {
  let size = 0;
  const growth = await growthWhile(async () => {
    const sent = open(BODIES, '/download?mib=1024&name=all');
    sent.end();
    for await (const piece of await answerOf(sent)) size += (piece as Buffer).length;
  });
  assert.equal(size, 1024 * MIB);
  assert.ok(Math.max(...growth) < MORE_MIB, `${growth} MiB`);
});

test('a request body of 1 GiB passes in constant memory of router and container', async () => {
  const piece = Buffer.alloc(MIB);
  let text = '';
  const growth = await growthWhile(async () => {
    const sent = open(BODIES, '/upload', 'POST');
    const answer = answerOf(sent);
    await pipeline(Readable.from(Array.from({ length: 1024 }, () => piece)), sent);
    text = (await (await answer).toArray()).join('');
  });
  assert.equal(text, String(1024 * MIB));
  assert.ok(Math.max(...growth) < MORE_MIB, `${growth} MiB`);
});

test('an app waits for a client that does not read, and goes on when it does', async () => {
  const sent = open(BODIES, '/download?mib=256&name=slow');
  sent.end();
  const response = await answerOf(sent);
  response.pause();
  const sentMib = async () => Number((await ask(platform, BODIES, '/sent/slow')).text);
  let last = -1;
  const stopped = await eventually('the app has stopped', async () => {
    const before = last;
    last = await sentMib();
    return last > 0 && last === before && last;
  });
  assert.ok(stopped < MORE_MIB, `${stopped} MiB are on their way`);
  let size = 0;
  for await (const piece of response) size += (piece as Buffer).length;
  assert.equal(size, 256 * MIB);
});

test('a client that asks first sends its body when the app wants it', async () => {
  const sent = open(BODIES, '/upload', 'POST', { expect: '100-continue', 'content-length': '5' });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.end('hello');
  assert.equal((await (await answerOf(sent)).toArray()).join(''), '5');
});

test('a file has its ranges, and a head without a body', async () => {
  const part = await ask(platform, BODIES, '/file', { headers: { range: 'bytes=995-' } });
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, '56789', 'bytes 995-999/1000']);
  const beyond = await ask(platform, BODIES, '/file', { headers: { range: 'bytes=2000-' } });
  assert.equal(beyond.status, 416);
  const head = await ask(platform, BODIES, '/file', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '1000']);
});

test('requests beyond target_inputs start containers, those within max_inputs alone do not', async () => {
  const held = ['steered', 'unsteered'].flatMap((name) =>
    Array.from({ length: 6 }, () => {
      const sent = open(`local--streams-${name}`, '/');
      sent.end();
      return sent;
    }),
  );
  await eventually('six requests have the three containers that they should', async () => {
    const states = (await containersOf(platform, 'steered')).map(({ state }) => state);
    return states.length === 3 && states.every((state) => state === 'ready');
  });
  assert.equal((await containersOf(platform, 'unsteered')).length, 1);
  for (const sent of held) sent.destroy();
});
