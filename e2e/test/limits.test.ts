import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask, type Reply } from '../src/http.ts';
import { killService } from '../src/kill-service.ts';

const MANY = 'local--limited-many';
const SINGLE = 'local--limited-single';
const SHOP = 'local--limited-shop-pay';
const GIB = 1024 ** 3;
const TOO_LARGE = `content-length: ${4 * GIB + 1}\r\n\r\n`;

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/limited.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
  for (const label of [MANY, SINGLE, SHOP]) assert.equal((await ask(platform, label)).text, '0 bytes');
});

after(() => platform?.[Symbol.asyncDispose]());

async function limit(...args: string[]): Promise<string> {
  const { exitCode, output } = await platform.portico('limit', ...args);
  assert.equal(exitCode, 0, `${args.join(' ')}: ${output}`);
  return output;
}

const askTimes = (label: string, count: number): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, () => ask(platform, label)));

const countOf = (replies: readonly Reply[], status: number): number =>
  replies.filter((reply) => reply.status === status).length;

/** Within a second of now, so many of ten requests are let in. */
const letsIn = (label: string, isRight: (count: number) => boolean): Promise<unknown> =>
  eventually(`${label} has its new limit`, async () => isRight(countOf(await askTimes(label, 10), 200)), {
    withinMs: 1_000,
  });

test('a workspace is let in 1,000 times at once, then 200 times a second', async () => {
  // Let in, and then refused for their size: so many can be asked in less time than they may take.
  const began = performance.now();
  let [letIn, refused] = [0, ''];
  const once = async (): Promise<void> => {
    while (refused === '') {
      const answer = await answerTo(MANY, TOO_LARGE);
      if (answer.startsWith('HTTP/1.1 413 ')) letIn += 1;
      else refused ||= answer;
    }
  };
  await Promise.all(Array.from({ length: 16 }, once));
  const seconds = (performance.now() - began) / 1_000;
  assert.ok(letIn >= 990 && letIn <= 1_000 + 200 * seconds + 1, `${letIn} in ${seconds} s`);
  assert.match(refused, /^HTTP\/1\.1 429 .*^retry-after: 1\r$/ms);
  assert.match(refused, /\r\n\r\nmodal-http: Input rate limit \(200\/s\) exceeded for workspace local$/);
});

test('a limit that the operator sets counts within a second, and outlives restarts', async () => {
  const set = await limit('set', 'limited/many', '--rate', '1', '--burst', '3');
  assert.match(set, /main +limited\/many +1\/s +3 +- /);
  await letsIn(MANY, (count) => count < 10);
  assert.equal((await ask(platform, MANY)).status, 429);
  assert.match(
    (await ask(platform, MANY)).text,
    /^modal-http: Input rate limit \(1\/s\) exceeded for function fu-\w+$/,
  );
  assert.equal(countOf(await askTimes(SHOP, 10), 200), 10, 'others are not limited by it');
  await killService(platform, 'control');
  await killService(platform, 'router');
  assert.match(await limit('list'), /main +limited\/many +1\/s +3 +- /);
  // A router begins with a full burst.
  assert.ok(countOf(await askTimes(MANY, 10), 200) <= 4);
  await limit('clear', 'limited/many');
  await letsIn(MANY, (count) => count === 10);
  assert.doesNotMatch(await limit('list'), /limited/);
});

test('a limit is for one class, or for the whole workspace', async () => {
  await limit('set', 'limited/Shop', '--rate', '1');
  assert.match(await limit('list'), /main +limited\/Shop\.\* +1\/s +- +- /);
  await letsIn(SHOP, (count) => count < 10);
  await limit('clear', 'limited/Shop');
  await limit('set', 'workspace', '--rate', '1', '--burst', '2');
  await letsIn(SHOP, (count) => count <= 3);
  assert.equal((await ask(platform, MANY)).text, 'modal-http: Input rate limit (1/s) exceeded for workspace local');
  await limit('clear', 'workspace');
  await letsIn(MANY, (count) => count === 10);
});

test('what can not be set is told in a sentence', async () => {
  const refusals: readonly [args: string[], sentence: RegExp][] = [
    [
      ['set', 'limited/none', '--rate', '1'],
      /There is no function "none" .* its functions are: Shop\.\*, many, single/,
    ],
    [['set', 'nothing/many', '--rate', '1'], /no such app runs/],
    [['set', 'limited/many'], /Set a rate, a burst or a queue/],
    [['set', 'limited/many', '--rate', '0'], /The rate must be from 1 to 10000000, not 0/],
    [['set', 'limited/many', '--burst', '5'], /set a rate with it/],
    [['set', 'limited/many', '--rate', 'lots'], /--rate must be a whole number/],
    [['set', 'many', '--rate', '1'], /Name what the limit is for/],
    [['clear', 'limited/many'], /No limit is set for function "many"/],
    [['shrink', 'limited/many'], /Say \.\/portico limit list/],
  ];
  for (const [args, sentence] of refusals) {
    const { exitCode, output } = await platform.portico('limit', ...args);
    assert.equal(exitCode, 1, output);
    assert.match(output, sentence);
    assert.doesNotMatch(output, /^ +at /m);
  }
});

test('as many requests wait as the queue of the function takes', async () => {
  await limit('set', 'limited/single', '--queue', '1');
  // The container has one request until the client has sent its whole body.
  using held = openRequest(SINGLE, 'expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n');
  await held.answer(/ 100 /);
  const two = [ask(platform, SINGLE), ask(platform, SINGLE)];
  const refused = await Promise.race(two);
  assert.equal(refused.status, 429);
  assert.match(refused.text, /^modal-http: Function fu-\w+ reached pending input queue limit \(1\)$/);
  assert.equal(refused.headers['retry-after'], '1');
  held.send('1\r\na\r\n0\r\n\r\n');
  assert.match(await held.answer(/bytes/), / 200 .*1 bytes$/s);
  const others = (await Promise.all(two)).filter((reply) => reply !== refused);
  assert.deepEqual(
    others.map(({ text }) => text),
    ['0 bytes'],
  );
  await limit('clear', 'limited/single');
});

test('a body of more than 4 GiB is refused before it is sent', async () => {
  const bodies = [TOO_LARGE, 'transfer-encoding: chunked\r\n\r\n100000001\r\n'];
  for (const start of bodies) {
    assert.match(await answerTo(MANY, start), /^HTTP\/1\.1 413 .*modal-http: request body is too large$/s);
  }
  // As much as is allowed goes on to the container.
  using request = openRequest(MANY, `expect: 100-continue\r\ncontent-length: ${4 * GIB}\r\n\r\n`);
  assert.match(await request.answer(/\r\n\r\n/), /^HTTP\/1\.1 100 /);
});

test('a head that is too large is refused', async () => {
  const { status, text } = await ask(platform, MANY, '/', { headers: { 'x-large': 'a'.repeat(70_000) } });
  assert.deepEqual([status, text], [431, 'modal-http: request headers are too large']);
});

/** All that comes for a POST until the other side closes. */
async function answerTo(label: string, start: string): Promise<string> {
  using socket = openRequest(label, start);
  return await socket.all;
}

interface OpenSocket extends Disposable {
  send(bytes: string): void;
  /** What has come, once it holds this. */
  answer(until: RegExp): Promise<string>;
  /** All that has come when the other side has closed. */
  readonly all: Promise<string>;
}

/** A POST whose rest comes later, or never. */
function openRequest(label: string, start: string): OpenSocket {
  const socket = openSocket();
  socket.send(`POST / HTTP/1.1\r\nhost: ${label}.localhost\r\n${start}`);
  return socket;
}

function openSocket(): OpenSocket {
  const socket = connect({ host: '127.0.0.1', port: platform.httpPort });
  const closed = Promise.withResolvers<void>();
  let text = '';
  socket.on('error', () => undefined).on('data', (bytes) => (text += bytes.toString('latin1')));
  socket.once('close', () => closed.resolve());
  return {
    send: (bytes) => void socket.write(bytes),
    answer: (until) => eventually(`an answer with ${until}`, () => (until.test(text) ? text : undefined)),
    all: closed.promise.then(() => text),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
