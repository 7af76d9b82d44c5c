import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const GOOD = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const [TRACE, SPAN] = [GOOD.slice(3, 35), GOOD.slice(36, 52)];

let platform: SimulatedPlatform;
let seen: NodeJS.Dict<string | string[]> = {};

before(async () => {
  platform = await simulatedPlatform();
  await platform.container('ta-1', (request, response) => {
    seen = request.headersDistinct;
    response.end();
  });
});
after(() => platform[Symbol.asyncDispose]());

const forged: readonly [header: string, forgery: string][] = [
  ['forwarded', 'for=6.6.6.6;host=evil.example;proto=https'],
  ['x-forwarded-for', '6.6.6.6'],
  ['x-forwarded-host', 'evil.example'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-port', '6666'],
  ['x-forwarded-prefix', '/evil'],
  ['modal-function-call-id', 'fc-1'],
  ['modal-anything', '1'],
  ['portico-client-address', '6.6.6.6:1'],
  ['portico-request-id', 'forged'],
  ['portico-scheme', 'https'],
  ['portico-busy', '1'],
];

for (const [header, forgery] of forged)
  test(`what a client says in ${header} is not believed, in whatever case it writes the name`, async () => {
    for (const name of [header, header.toUpperCase(), header.replaceAll('-', '_')]) {
      assert.equal((await ask(platform.port, '/', `${name}: ${forgery}\r\n`)).status, 200);
      const arrived = [seen[header] ?? [], seen[name.toLowerCase()] ?? []].flat();
      assert.ok(!arrived.includes(forgery), `${name} has reached the container`);
    }
  });

const foreignTraces: readonly [why: string, lines: string][] = [
  ['upper case', `traceparent: ${GOOD.toUpperCase()}\r\n`],
  ['no trace', `traceparent: 00-${'0'.repeat(32)}-${SPAN}-01\r\n`],
  ['no span', `traceparent: 00-${TRACE}-${'0'.repeat(16)}-01\r\n`],
  ['the version that is forbidden', `traceparent: ff-${TRACE}-${SPAN}-01\r\n`],
  ['something behind it', `traceparent: ${GOOD}-more\r\n`],
  ['something that is no hexadecimal', `traceparent: 00-${TRACE.slice(1)}g-${SPAN}-01\r\n`],
  ['sixty thousand characters', `traceparent: ${'0'.repeat(60_000)}\r\n`],
  ['two of them', `traceparent: ${GOOD}\r\ntraceparent: ${GOOD.replace('0af', '1af')}\r\n`],
];

for (const [why, lines] of foreignTraces)
  test(`a traceparent with ${why} is not continued: the app gets one trace, a fresh one`, async () => {
    assert.equal((await ask(platform.port, '/', lines)).status, 200);
    const [given = '', ...others] = seen['traceparent'] ?? [];
    assert.match(given, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    assert.ok(others.length === 0 && !given.includes(TRACE), given);
  });

const twice: readonly [why: string, lines: string, arrives: string[]][] = [
  ['before credentials of the app', 'authorization: Bearer wk-a.ws-b\r\nauthorization: Basic x\r\n', ['Basic x']],
  ['behind credentials of the app', 'authorization: Basic x\r\nauthorization: Bearer wk-a.ws-b\r\n', ['Basic x']],
  ['with its scheme in small letters', 'authorization: bearer wk-a.ws-b\r\n', []],
  ['behind a tab', 'authorization:\tBearer wk-a.ws-b\r\n', []],
  ['before a tab', 'authorization: Bearer wk-a.ws-b\t\r\n', []],
  ['behind two spaces', 'Authorization: BEARER  wk-a.ws-b\r\n', []],
  ['twice', 'authorization: Bearer wk-a.ws-b\r\nauthorization: Bearer wk-c.ws-d\r\n', []],
];

for (const [why, lines, arrives] of twice)
  test(`a proxy token ${why} does not reach the container`, async () => {
    assert.equal((await ask(platform.port, '/', lines)).status, 200);
    assert.deepEqual(seen['authorization'] ?? [], arrives);
  });

test('HTTP/2 is asked of no container, wherever it stands among the protocols', async () => {
  for (const protocols of ['h2c', 'websocket, h2c', '\th2c', 'H2C , websocket']) {
    assert.equal((await ask(platform.port, '/', `connection: upgrade\r\nupgrade: ${protocols}\r\n`)).status, 200);
    assert.equal(seen['upgrade'], undefined, protocols);
  }
});

test('a traceparent that is well formed is continued', async () => {
  await ask(platform.port, '/', `traceparent: ${GOOD}\r\n`);
  assert.deepEqual(seen['traceparent']?.[0]?.slice(0, 35), `00-${TRACE}`);
});

const splits: readonly [why: string, lines: string][] = [
  ['a bare LF in a value', 'x-name: a\nset-cookie: stolen=1\r\n'],
  ['a bare CR in a value', 'x-name: a\rset-cookie: stolen=1\r\n'],
  ['a NUL in a value', 'x-name: a\0b\r\n'],
  ['a folded line', 'x-name: a\r\n set-cookie: stolen=1\r\n'],
  ['a space in a name', 'x name: a\r\n'],
  ['a space before the colon', 'content-length : 0\r\n'],
  ['a line without a colon', 'x-name\r\n'],
  ['two codings', 'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n'],
  ['a length and a coding', 'transfer-encoding: chunked\r\ncontent-length: 0\r\n'],
  ['a length with a sign', 'content-length: +0\r\n'],
];

test('an answer that could be read as two is a 502, and nothing of it reaches the client', async () => {
  await using split = await simulatedPlatform();
  let lines = '';
  await split.rawContainer('ta-1', (socket) =>
    socket.on('data', () => socket.write(Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n`, 'latin1'))),
  );
  for (const [why, each] of splits) {
    lines = each;
    const reply = await ask(split.port);
    assert.deepEqual([reply.status, reply.body], [502, 'modal-http: unreachable'], why);
    assert.equal(reply.headers.get('set-cookie'), undefined, why);
  }
});

const unasked: readonly [why: string, answer: string][] = [
  ['a change of the protocol that nobody has asked for', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
  ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)],
];

for (const [why, answer] of unasked)
  test(`${why} is a 502`, async () => {
    await using wild = await simulatedPlatform();
    await wild.rawContainer('ta-1', (socket) => socket.on('data', () => socket.write(answer)));
    using client = rawClient(wild.port);
    client.send(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    let reply = await client.reply();
    for (let i = 0; reply.status === 103 && i < 100; i++) reply = await client.reply();
    assert.deepEqual([reply.status, reply.body], [502, 'modal-http: unreachable']);
  });

test('of an interim answer, too, the client gets only what may go on', async () => {
  await using hinting = await simulatedPlatform();
  const hint = 'HTTP/1.1 103\r\nlink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\nportico-busy: 0\r\n\r\n';
  await hinting.rawContainer('ta-1', (socket) =>
    socket.on('data', () => socket.write(`${hint}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`)),
  );
  using client = rawClient(hinting.port);
  client.send(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  const { status, headers } = await client.reply();
  assert.deepEqual([status, ...headers], [103, ['link', '</a>']]);
  assert.equal((await client.reply()).body, 'ok');
});
