import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { ask, rawClient } from './raw-client.ts';
import { HOST, poolOf } from './simulated-platform.ts';
import { GONE, inFlight, resultOf, sentAway, slowPlatform, untilReading } from './slow-platform.ts';

const ROUNDS = 12;
const wide = poolOf({ poolId: 'po-2', maxConcurrentInputs: 100 });
const ORIGIN = 'origin: https://shop.example\r\n';

/** How many of the result URLs belong to each thread: the first character of their tokens. */
function keepersOf(urls: readonly string[]): Map<string, number> {
  const keepers = urls.map((url) => url.split('__modal_attempt_token=')[1]?.charAt(0) ?? '');
  return new Map([...new Set(keepers)].map((keeper) => [keeper, keepers.filter((each) => each === keeper).length]));
}

test('a result is there whichever thread is asked: on one connection come the results of all of them, once', async () => {
  await using platform = await slowPlatform({ threads: 3, redirectAfterMs: 300 }, wide);
  const paths = Array.from({ length: ROUNDS * 3 }, (_, i) => `/${i}`);
  const urls: string[] = [];
  // Calls are made until each thread has some: which connection comes to which is the kernel's choice.
  while (keepersOf(urls).size < 3) {
    const left = Math.max(3, paths.length - urls.length);
    urls.push(
      ...(await Promise.all(paths.splice(0, left).map(async (path) => sentAway(await ask(platform.port, path))))),
    );
    assert.ok(urls.length > 0);
  }
  await eventually('all run', () => platform.runs.length === urls.length);
  for (const { request, response } of platform.runs) response.end(`answer to ${request.url}`);
  using client = rawClient(platform.port);
  for (const url of urls) {
    client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n${ORIGIN}\r\n`);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body], [200, `answer to ${url.split('?')[0]}`]);
    assert.match(reply.headers.get('modal-function-call-id') ?? '', /^fc-\w+$/);
  }
  for (const url of urls) {
    client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n${ORIGIN}\r\n`);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body], [408, GONE]);
    assert.equal(reply.headers.get('access-control-allow-origin'), 'https://shop.example');
  }
});

test('who waits at another thread is sent away again, may leave, and gets a large answer at its own pace', async () => {
  await using platform = await slowPlatform({ threads: 2, redirectAfterMs: 300 }, wide);
  const sent = await Promise.all(Array.from({ length: ROUNDS }, (_, i) => ask(platform.port, `/${i}`)));
  const urls = sent.map(sentAway);
  await eventually('all run', () => platform.runs.length === ROUNDS);
  // One connection is one thread: some of these results are its own, others those of the other one.
  using client = rawClient(platform.port);
  for (const url of urls) {
    client.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    sentAway(await client.reply());
  }
  const [run] = platform.runs;
  const url = urls[Number(run?.request.url?.slice(1))] ?? '';
  for (let i = 0; i < 4 && run; i++) {
    using leaver = rawClient(platform.port);
    leaver.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    await untilReading(leaver, run);
  }
  // Who comes last gets it, so the one who stays is sure that nobody who is leaving does.
  using last = rawClient(platform.port);
  last.send(`GET ${url} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  if (run) await untilReading(last, run);
  const size = 4 * 1024 * 1024;
  for (const { response } of platform.runs) response.end(Buffer.alloc(size, 'x'));
  let got = await last.reply();
  while (got.status === 103) got = await last.reply();
  const others = urls.filter((each) => each !== url);
  const answers = await Promise.all(others.map((each) => resultOf(platform, each)));
  answers.push(got.status === 303 ? await resultOf(platform, url) : got);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.length]),
    urls.map(() => [200, size]),
  );
  await eventually('all slots are free', () => inFlight(platform) === 0);
});
