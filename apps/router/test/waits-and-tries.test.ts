import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { ask, rawClient } from './raw-client.ts';
import { appOf, failedStart, HOST, poolOf, routeOf, simulatedPlatform } from './simulated-platform.ts';

const { READY, DRAINING } = nodeAgent.ContainerState;

test('who comes before a container is ready waits, wakes the autoscaler once, and is answered', async () => {
  await using platform = await simulatedPlatform();
  const asked = [ask(platform.port, '/1'), ask(platform.port, '/2')];
  await eventually(
    'a wake',
    () => platform.wakes.length > 0 && platform.loads.some(({ pools }) => pools[0]?.queued === 2),
  );
  await platform.container('ta-1', (request, response) => response.end(request.url));
  assert.deepEqual((await Promise.all(asked)).map(({ body }) => body).sort(), ['/1', '/2']);
  assert.equal(platform.wakes.length, 1);
  assert.match(platform.wakes[0]?.traceparent ?? '', /^00-/);
});

test('a wait ends with a sentence: at its deadline, at a failed start, when too many wait', async () => {
  await using platform = await simulatedPlatform({ queueDeadlineMs: 200, queueMax: 2 });
  const late = await ask(platform.port);
  assert.deepEqual([late.status, late.headers.get('retry-after')], [503, '5']);
  const waiting = [ask(platform.port), ask(platform.port)];
  await eventually('two wait', () => platform.loads.some(({ pools }) => pools[0]?.queued === 2));
  const third = await ask(platform.port);
  assert.deepEqual([third.status, third.headers.get('retry-after')], [429, '1']);
  assert.equal(third.body, 'modal-http: Function fu-1 reached pending input queue limit (2)');
  await platform.report('ta-1', failedStart('ModuleNotFoundError: no module named x'));
  for (const { status, body } of await Promise.all(waiting)) {
    assert.equal(status, 500);
    assert.match(body, /^modal-http: .*no module named x/);
  }
});

test('who waits for what is not deployed any more goes where requests go now: to the next version, or to a sentence', async () => {
  await using platform = await simulatedPlatform();
  const paths = ['/a', '/b', '/c', '/d'];
  const waiting = paths.map((path) => ask(platform.port, path));
  await eventually('all wait', async () => (await platform.explain()).includes(`${paths.length} waiting`));
  await platform.deploy({ version: 2, pools: [poolOf({ poolId: 'po-2' })], routes: [routeOf({ poolId: 'po-2' })] });
  await eventually('all wait for the new version', async () =>
    (await platform.explain()).includes(`pool po-2 (no ready container, 0 running, ${paths.length} waiting)`),
  );
  assert.ok(platform.wakes.some(({ poolId }) => poolId === 'po-2'));
  await platform.deploy({ version: 3, state: control.AppState.STOPPED });
  for (const { status, body } of await Promise.all(waiting))
    assert.deepEqual([status, body], [404, 'modal-http: app for invoked web endpoint is stopped']);
});

test('who leaves while waiting is not sent to a container', async () => {
  await using platform = await simulatedPlatform();
  const client = rawClient(platform.port);
  client.send(`GET /left HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await eventually('it waits', () => platform.loads.some(({ pools }) => pools[0]?.queued === 1));
  client[Symbol.dispose]();
  await eventually('it waits no more', () => platform.loads.at(-1)?.pools.length === 0);
  const paths: string[] = [];
  await platform.container('ta-1', (request, response) => {
    paths.push(request.url ?? '');
    response.end();
  });
  await ask(platform.port, '/next');
  assert.deepEqual(paths, ['/next']);
});

test('a container that does not answer its socket is passed over', async () => {
  await using platform = await simulatedPlatform();
  const gone = { endpoint: { $case: 'unixPath', value: platform.socketOf('ta-0') } } as const;
  await platform.report('ta-0', { state: READY, addresses: [nodeAgent.Address.create(gone)] });
  await platform.container('ta-1', async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    response.end(`got ${body}`);
  });
  for (let i = 0; i < 4; i++) {
    const reply = await ask(platform.port, '/', 'content-length: 4\r\n', 'POST', 'body');
    assert.deepEqual([reply.status, reply.body], [200, 'got body']);
  }
  await eventually('the container is reported', () =>
    platform.expired.some(({ containerId }) => containerId === 'ta-0'),
  );
});

test('a container that says it is busy is passed over, and its answer does not show', async () => {
  await using platform = await simulatedPlatform();
  let refusals = 0;
  await platform.container('ta-0', (request, response) => {
    refusals += 1;
    request.resume();
    response.writeHead(503, { 'portico-busy': '1' }).end('busy');
  });
  await platform.container('ta-1', (_request, response) => response.end('free'));
  for (let i = 0; i < 6; i++) assert.equal((await ask(platform.port)).body, 'free');
  assert.ok(refusals > 0);
});

test('a request that has been sent is not sent again', async () => {
  await using platform = await simulatedPlatform();
  let tries = 0;
  await platform.rawContainer('ta-1', (socket) => {
    socket.once('data', () => {
      tries += 1;
      socket.destroy();
    });
  });
  const reply = await ask(platform.port, '/', 'content-length: 1\r\n', 'POST', 'x');
  assert.deepEqual([reply.status, reply.body], [502, 'modal-http: unreachable']);
  assert.equal(tries, 1);
});

test('a kept connection that the container has closed is replaced without the client noticing', async () => {
  await using platform = await simulatedPlatform();
  await platform.rawContainer('ta-1', (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  });
  for (let i = 0; i < 20; i++) assert.equal((await ask(platform.port)).body, 'ok');
});

test('garbage of a container becomes a 502, and its connection is not used again', async () => {
  await using platform = await simulatedPlatform();
  for (const garbage of [
    'nonsense\r\n\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\ncontent length: 1\r\n\r\na',
  ]) {
    const server = await platform.rawContainer('ta-1', (socket) => socket.once('data', () => socket.write(garbage)));
    const reply = await ask(platform.port);
    assert.deepEqual([reply.status, reply.body], [502, 'modal-http: unreachable'], garbage);
    await new Promise((resolve) => server.close(resolve) && server.unref() && resolve(undefined));
  }
});

test('a request over its time is ended, and the container is reported', async () => {
  await using platform = await simulatedPlatform();
  await platform.deploy({
    version: 2,
    pools: [poolOf({ poolId: 'po-2', timeoutMs: 200 })],
    routes: [routeOf({ poolId: 'po-2' })],
  });
  await platform.container('ta-1', () => undefined, { poolId: 'po-2' });
  const { status, body } = await ask(platform.port);
  assert.deepEqual([status, body], [500, 'modal-http: internal error: function execution timed out']);
  await eventually('the container is reported', () => platform.expired[0]?.containerId === 'ta-1');
});

test('no more requests at once than a container takes; the others wait for a slot', async () => {
  await using platform = await simulatedPlatform();
  await platform.deploy({
    version: 2,
    pools: [poolOf({ poolId: 'po-2', maxConcurrentInputs: 1 })],
    routes: [routeOf({ poolId: 'po-2' })],
  });
  let [atOnce, most] = [0, 0];
  await platform.container(
    'ta-1',
    (_request, response) => {
      most = Math.max(most, ++atOnce);
      setImmediate(() => {
        atOnce -= 1;
        response.end('done');
      });
    },
    { poolId: 'po-2' },
  );
  const replies = await Promise.all(Array.from({ length: 20 }, () => ask(platform.port)));
  assert.ok(replies.every(({ body }) => body === 'done'));
  assert.equal(most, 1);
});

test('the old version serves until the new one has a container', async () => {
  await using platform = await simulatedPlatform();
  await platform.container('ta-1', (_request, response) => response.end('old'));
  await eventually('the old one serves', async () => (await ask(platform.port)).body === 'old');
  await platform.deploy(
    appOf({
      version: 2,
      pools: [poolOf({ poolId: 'po-2' })],
      previousPools: [poolOf()],
      routes: [routeOf({ poolId: 'po-2', previousPoolId: 'po-1' })],
    }),
  );
  for (let i = 0; i < 5; i++) assert.equal((await ask(platform.port)).body, 'old');
  await platform.container('ta-2', (_request, response) => response.end('new'), { poolId: 'po-2' });
  await eventually('the new one serves', async () => (await ask(platform.port)).body === 'new');
  for (let i = 0; i < 5; i++) assert.equal((await ask(platform.port)).body, 'new');
});

test('a container that drains finishes what it has and gets no more', async () => {
  await using platform = await simulatedPlatform();
  let release: () => void = () => undefined;
  await platform.container('ta-1', (_request, response) => {
    release = () => void response.end('finished');
  });
  const running = ask(platform.port);
  await eventually('it runs', () => platform.loads.some(({ pools }) => pools[0]?.inFlight === 1));
  await platform.report('ta-1', { state: DRAINING, wasReady: true });
  await platform.container('ta-2', (_request, response) => response.end('other'));
  await eventually('the other one serves', async () => (await ask(platform.port)).body === 'other');
  release();
  assert.equal((await running).body, 'finished');
});

test('unknown and stopped hosts, missing and wrong credentials, too many requests', async () => {
  await using platform = await simulatedPlatform({ ratePerSecond: 1, rateBurst: 3 });
  using client = rawClient(platform.port);
  client.send('GET / HTTP/1.1\r\nhost: nobody.localhost\r\n\r\n');
  const unknown = await client.reply();
  assert.deepEqual([unknown.status, unknown.body], [404, 'modal-http: invalid function call']);
  await platform.token('wk-1', 'ws-1');
  await platform.deploy(appOf({ version: 2, routes: [routeOf({ requiresProxyAuth: true })] }));
  await eventually('it asks for credentials', async () => (await ask(platform.port)).status === 401);
  assert.equal((await ask(platform.port, '/', 'modal-key: wk-1\r\nmodal-secret: ws-2\r\n')).status, 401);
  let credentials = '';
  await platform.container('ta-1', (request, response) => {
    credentials = `${request.headers['modal-key']} ${request.headers['authorization']}`;
    response.end('in');
  });
  for (const header of ['modal-key: wk-1\r\nmodal-secret: ws-1\r\n', 'authorization: Bearer wk-1.ws-1\r\n']) {
    assert.equal((await ask(platform.port, '/', header)).body, 'in');
    assert.equal(credentials.includes('ws-1'), false);
  }
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask(platform.port, '/', 'authorization: Bearer wk-1.ws-1\r\n')),
  );
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 3, `${refused.length} refused`);
  for (const { body, headers } of refused) {
    assert.equal(body, 'modal-http: Input rate limit (1/s) exceeded for workspace local');
    assert.equal(headers.get('retry-after'), '1');
  }
  await platform.deploy(appOf({ version: 3, state: 2 }));
  await eventually(
    'it is stopped',
    async () => (await ask(platform.port)).body === 'modal-http: app for invoked web endpoint is stopped',
  );
});

test('an upgrade becomes a tunnel, and counts as one request', async () => {
  await using platform = await simulatedPlatform();
  const server = createServer();
  server.close();
  await platform.rawContainer('ta-1', (socket) => {
    socket.once('data', (head) => {
      const isUpgrade = /upgrade: chat/i.test(head.toString()) && /connection: upgrade/i.test(head.toString());
      socket.write(
        isUpgrade
          ? 'HTTP/1.1 101 Switching Protocols\r\nupgrade: chat\r\nconnection: upgrade\r\n\r\nhello '
          : 'HTTP/1.1 400 no\r\ncontent-length: 0\r\n\r\n',
      );
      socket.on('data', (data) => socket.write(data));
    });
    socket.on('end', () => socket.end());
  });
  using client = rawClient(platform.port);
  client.send(`GET /ws HTTP/1.1\r\nhost: ${HOST}\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\nearly `);
  assert.equal((await client.reply()).status, 101);
  let text = '';
  while (!text.includes('early')) text += await client.bytes();
  client.send('late');
  while (!text.includes('late')) text += await client.bytes();
  assert.equal(text, 'hello early late');
  await eventually('it is counted', () => platform.loads.at(-1)?.pools[0]?.inFlight === 1);
  client.socket.end();
  await client.closed;
  await eventually('it is no longer counted', () => platform.loads.at(-1)?.pools.length === 0);
});
