import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { ask, type RawReply, rawClient } from './raw-client.ts';
import { appOf, HOST, poolOf, routeOf, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const OTHER = 'local--app-other.localhost';
const web = { $case: 'function', value: { environmentName: 'main', appName: 'app', tag: 'web' } } as const;
const workspace = { $case: 'workspace', value: 'local' } as const;

/** Two functions of one app, each with a container. */
async function twoFunctions(platform: SimulatedPlatform): Promise<void> {
  await platform.deploy(
    appOf({
      version: 2,
      environmentName: 'main',
      routes: [routeOf({ poolId: 'po-2' }), routeOf({ host: OTHER, poolId: 'po-3', functionId: 'fu-other' })],
      pools: [
        poolOf({ poolId: 'po-2', functionTag: 'web' }),
        poolOf({ poolId: 'po-3', functionTag: 'other', functionId: 'fu-other' }),
      ],
    }),
  );
  for (const poolId of ['po-2', 'po-3'])
    await platform.container(`ta-${poolId}`, (_request, response) => response.end('in'), { poolId });
  await eventually('both serve', async () => (await statusesOf(platform.port, 1, OTHER))[0] === 200);
}

function statusesOf(port: number, asks: number, host = HOST): Promise<number[]> {
  return Promise.all(Array.from({ length: asks }, async () => (await askHost(port, host)).status));
}

async function askHost(port: number, host: string): Promise<RawReply> {
  using client = rawClient(port);
  client.send(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  return await client.reply();
}

const countOf = (statuses: readonly number[], status: number): number =>
  statuses.filter((each) => each === status).length;

test('a limit that is set for a function counts within a second, beside that of the workspace, until it is cleared', async () => {
  await using platform = await simulatedPlatform({ ratePerSecond: 1, rateBurst: 60 });
  await twoFunctions(platform);
  await platform.limit(web, { ratePerSecond: 1, burst: 2 });
  await eventually('it counts', async () => (await platform.explain()).includes('1/s of the function'), {
    withinMs: 1_000,
  });
  assert.equal(countOf(await statusesOf(platform.port, 5), 200), 2);
  const refused = await ask(platform.port);
  assert.deepEqual(
    [refused.status, refused.body, refused.headers.get('retry-after')],
    [429, 'modal-http: Input rate limit (1/s) exceeded for function fu-1', '1'],
  );
  assert.equal(countOf(await statusesOf(platform.port, 5, OTHER), 200), 5);
  await platform.limit(web, undefined);
  await eventually('it counts no more', async () => !(await platform.explain()).includes('of the function'), {
    withinMs: 1_000,
  });
  assert.equal(countOf(await statusesOf(platform.port, 5), 200), 5);
});

test('a limit of the workspace replaces the default, and who waits as long as it is told is let in', async () => {
  await using platform = await simulatedPlatform();
  await twoFunctions(platform);
  await platform.limit(workspace, { ratePerSecond: 1, burst: 1 });
  await eventually('it counts', async () => (await platform.explain()).includes('; 1/s of the workspace'));
  assert.ok(countOf(await statusesOf(platform.port, 3), 200) <= 1);
  const refused = await ask(platform.port);
  assert.equal(refused.body, 'modal-http: Input rate limit (1/s) exceeded for workspace local');
  const withinMs = Number(refused.headers.get('retry-after')) * 1_000 + 200;
  await eventually('it is let in', async () => (await ask(platform.port)).status === 200, { withinMs });
});

test('two routers share a rate, and one alone has all of it again', async () => {
  await using platform = await simulatedPlatform({ ratePerSecond: 1, rateBurst: 40 });
  await twoFunctions(platform);
  const second = await platform.anotherRouter();
  await eventually('they know of each other', async () => (await platform.explain()).endsWith('shared by 2'));
  const [first, other] = await Promise.all([statusesOf(platform.port, 60), statusesOf(second.port, 60)]);
  const letIn = countOf(first, 200) + countOf(other, 200);
  assert.equal(letIn + countOf(first, 429) + countOf(other, 429), 120);
  // The first one's share may have been used up a little before; a few tokens come while this runs.
  assert.ok(letIn >= 36 && letIn <= 44, `${letIn} were let in`);
  await second[Symbol.asyncDispose]();
  await eventually('the first one is alone', async () => (await platform.explain()).endsWith('shared by 1'));
});

test('a queue that is set for a function is full when as many wait', async () => {
  await using platform = await simulatedPlatform();
  const app = appOf({ version: 2, environmentName: 'main', pools: [poolOf({ functionTag: 'web' })] });
  await platform.deploy(app);
  await platform.limit(web, { queueLength: 1 });
  await eventually('it counts', async () => (await platform.explain()).includes('queue of 1,'));
  const waiting = ask(platform.port);
  await eventually('one waits', () => platform.loads.some(({ pools }) => pools[0]?.queued === 1));
  const refused = await ask(platform.port);
  assert.deepEqual(
    [refused.status, refused.body],
    [429, 'modal-http: Function fu-1 reached pending input queue limit (1)'],
  );
  await platform.container('ta-1', (_request, response) => response.end('in'));
  assert.equal((await waiting).body, 'in');
});
