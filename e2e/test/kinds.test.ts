import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask, type Reply } from '../src/http.ts';
import { openWebSocket, type TestWebSocket } from '../src/websocket.ts';
import { type Frame, opcodes } from '../src/websocket-frames.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/kinds.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

const many = (label: string, count: number): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, () => ask(platform, label)));

test('a container never runs more at once than its function allows, and as much when there is work', async () => {
  const replies = await many('local--kinds-crowded', 120);
  const seen = replies.map(({ status, text }) => {
    assert.equal(status, 200, text);
    return JSON.parse(text) as { container: string; most: number };
  });
  assert.equal(Math.max(...seen.map(({ most }) => most)), 4);
  assert.ok(new Set(seen.map(({ container }) => container)).size <= 2);
});

test('without @modal.concurrent there is one request at a time', async () => {
  const seen = (await many('local--kinds-single', 20)).map(({ text }) => (JSON.parse(text) as { most: number }).most);
  assert.deepEqual([...new Set(seen)], [1]);
});

test('an app that fails in its lifespan start-up says why, to the caller and in the log', async () => {
  const { status, text } = await ask(platform, 'local--kinds-refusing');
  assert.equal(status, 500);
  assert.match(text, /^modal-http: .*the database is not there/s);
  await eventually('the log says it too', async () =>
    (await platform.modal('app', 'logs', 'kinds')).output.includes('the database is not there'),
  );
});

test('events leave as they are sent, and the app hears when its client leaves', async () => {
  const headers = { host: 'local--kinds-bare.localhost' };
  const sent = request({ host: '127.0.0.1', port: platform.httpPort, path: '/events', headers, agent: false });
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  const [first] = (await once(response, 'data')) as [Buffer];
  assert.equal(String(first), 'data: one\n\n');
  sent.destroy();
  await eventually('the app has heard', async () => (await ask(platform, 'local--kinds-bare', '/left')).text === '1');
});

const SOCKETS = 'local--kinds-sockets';
const codeOf = ({ payload }: Frame): number => payload.readUInt16BE(0);

async function answerTo(socket: TestWebSocket, text: string): Promise<string> {
  socket.send(opcodes.text, text);
  return String((await socket.next()).payload);
}

test('a WebSocket passes text, bytes, fragments, pings, sub-protocols and close codes both ways', async () => {
  using socket = await openWebSocket(platform, SOCKETS, '/', 'one, two');
  assert.equal(socket.protocol, 'two');
  assert.equal(await answerTo(socket, 'Grüße 🎉'), 'Grüße 🎉');
  const bytes = Buffer.alloc(1_000_000, 'abc');
  socket.send(opcodes.binary, bytes);
  assert.deepEqual(await socket.next(), { opcode: opcodes.binary, payload: bytes });
  socket.send(opcodes.text, 'in ', false);
  socket.send(opcodes.ping, 'there?');
  assert.deepEqual(await socket.next(), { opcode: opcodes.pong, payload: Buffer.from('there?') });
  socket.send(0, 'pieces');
  assert.equal(String((await socket.next()).payload), 'in pieces');
  socket.send(opcodes.text, 'bye');
  const closing = await socket.next();
  assert.deepEqual([closing.opcode, codeOf(closing), String(closing.payload.subarray(2))], [8, 4321, 'as you wish']);
  using other = await openWebSocket(platform, SOCKETS);
  other.send(opcodes.close, Buffer.from([4001 >> 8, 4001 & 0xff]));
  assert.equal(codeOf(await other.next()), 4001);
  await eventually('the app has the code', async () => {
    const { text } = await ask(platform, SOCKETS, '/closed');
    return (JSON.parse(text) as number[]).includes(4001);
  });
});

test('a WebSocket message of more than 2 MiB ends the connection with 1009, text that is none with 1007', async () => {
  using large = await openWebSocket(platform, SOCKETS);
  large.send(opcodes.binary, Buffer.alloc(2 * 1024 * 1024 + 1));
  assert.equal(codeOf(await large.next()), 1009);
  using garbled = await openWebSocket(platform, SOCKETS);
  garbled.send(opcodes.text, Buffer.from([0xc3, 0x28]));
  assert.equal(codeOf(await garbled.next()), 1007);
});

test('an open WebSocket outlives a redeploy', async () => {
  using socket = await openWebSocket(platform, SOCKETS);
  assert.equal(await answerTo(socket, 'before'), 'before');
  const source = join(platform.home, 'kinds.py');
  const text = await readFile(join(repository, 'e2e/apps/kinds.py'), 'utf8');
  await writeFile(source, text.replaceAll('await socket.send_text(message["text"])', 'await socket.send_text("new")'));
  const deployed = await platform.modal('deploy', source);
  assert.equal(deployed.exitCode, 0, deployed.output);
  await eventually('new connections reach the new version', async () => {
    using fresh = await openWebSocket(platform, SOCKETS);
    return (await answerTo(fresh, 'x')) === 'new';
  });
  assert.equal(await answerTo(socket, 'after'), 'after');
});

test('a WSGI app has its threads, reads a body in pieces and answers from a generator', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => ask(platform, 'local--kinds-threads', '/meet')));
  assert.deepEqual([one?.text, two?.text], ['met', 'met']);
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const body = Buffer.alloc(200_000);
    const { text } = await ask(platform, 'local--kinds-threads', '/count', { headers, body });
    const lines = text.trim().split('\n');
    assert.equal(
      lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0),
      200_000,
    );
    assert.ok(lines.length >= 4, text);
  }
});

test('a web server that never listens is an error with its reason, not a wait without end', async () => {
  const { status, text } = await ask(platform, 'local--kinds-deaf');
  assert.equal(status, 500, text);
  assert.match(text, /^modal-http: .*8000/s);
});

test('a web server whose process dies is replaced; it gets the address of its client once', async () => {
  const first = await ask(platform, 'local--kinds-mortal', '/', { headers: { 'x-forwarded-for': '6.6.6.6' } });
  assert.match(first.text, /^\d+ 127\.0\.0\.1$/);
  assert.equal((await ask(platform, 'local--kinds-mortal', '/die')).status, 502);
  await eventually('it serves again', async () => (await ask(platform, 'local--kinds-mortal')).status === 200);
});
