import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

/** Far more answers than the kernel holds for a client. */
const COUNT = 2_000;
const ANSWER = 'x'.repeat(8 * 1024);

let platform: SimulatedPlatform;
let asked = 0;

before(async () => {
  platform = await simulatedPlatform({ threads: 1, ratePerSecond: 100_000, rateBurst: 100_000 });
  await platform.container('ta-1', (_request, response) => {
    asked += 1;
    response.end(ANSWER);
  });
  await eventually('it serves', async () => (await ask(platform.port)).status === 200);
});

after(() => platform?.[Symbol.asyncDispose]());

/** Until a second has gone by without a request. */
async function restful(): Promise<void> {
  let before = -1;
  await eventually(
    'no more is asked for',
    async () => {
      const [since, same] = [platform.loads.length, asked === before];
      before = asked;
      if (!same) await eventually('a second has passed', () => platform.loads.length > since);
      return same;
    },
    { withinMs: 60_000 },
  );
}

test('a client that reads no answers is asked for no more requests, and has them all when it reads', async () => {
  asked = 0;
  using client = rawClient(platform.port);
  client.socket.pause();
  client.send(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`.repeat(COUNT));
  await eventually('the first are answered', () => asked > 0);
  await restful();
  assert.ok(asked < COUNT, `${asked} were asked for`);
  // It leaves no connection to the container that stands still.
  for (let i = 0; i < 5; i++) assert.equal((await ask(platform.port)).body, ANSWER);
  client.socket.resume();
  for (let i = 0; i < COUNT; i++) assert.equal((await client.reply()).body, ANSWER);
});
