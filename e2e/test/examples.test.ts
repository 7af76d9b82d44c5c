import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';
import { openWebSocket, type TestWebSocket } from '../src/websocket.ts';
import { opcodes } from '../src/websocket-frames.ts';

const folder = join(repository, 'examples');
const files = readdirSync(folder).filter((name) => name.endsWith('.py'));

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  await succeeds('secret', 'create', 'notes-token', 'NOTES_TOKEN=my-token');
  await succeeds('secret', 'create', 'webhook-key', 'WEBHOOK_KEY=my-key');
  for (const file of files) await succeeds('deploy', join(folder, file));
});

after(() => platform?.[Symbol.asyncDispose]());

async function succeeds(...args: string[]): Promise<void> {
  const { exitCode, output } = await platform.modal(...args);
  assert.equal(exitCode, 0, `${args.join(' ')}: ${output}`);
}

const JSON_TYPE = { 'content-type': 'application/json' };

test('every example is listed in the README of the folder, and says what it shows', () => {
  const listed = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| `examples\/(.+?)` \|/gm)];
  assert.deepEqual(listed.map(([, name]) => name).sort(), files.sort());
  assert.ok(files.length >= 10);
  for (const file of files) assert.match(readFileSync(join(folder, file), 'utf8'), /^"""[A-Z][^"]{20,}\."""\n/, file);
});

test('hello greets', async () => {
  assert.equal((await ask(platform, 'local--hello-hello', '/?name=you')).text, '{"greeting":"Hello, you!"}');
});

test('the catalogue keeps what is right and refuses the rest', async () => {
  const post = (body: string) => ask(platform, 'local--catalogue-api', '/items', { headers: JSON_TYPE, body });
  const added = await post('{"name": "pen", "price": 1.5}');
  assert.deepEqual([added.status, added.text], [201, '{"number":1}']);
  assert.equal((await post('{"name": "pen", "price": -1}')).status, 422);
  assert.equal((await ask(platform, 'local--catalogue-api', '/items/1')).text, '{"name":"pen","price":1.5}');
  assert.equal((await ask(platform, 'local--catalogue-api', '/items/2')).status, 404);
  assert.equal((await ask(platform, 'local--catalogue-api', '/docs')).status, 200);
});

test('the storyteller streams word by word', async () => {
  const headers = { host: 'local--storyteller-tell.localhost' };
  const sent = request({ host: '127.0.0.1', port: platform.httpPort, path: '/?about=fox', headers, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  const pieces: string[] = [];
  for await (const piece of response) pieces.push(String(piece));
  assert.ok(pieces.length > 5, 'the words came one after the other');
  assert.match(pieces.join(''), /^data: Once\n\n.*data: fox\n\n.*data: warm\.\n\n$/s);
});

test('everybody in the chat room hears what one says', async () => {
  const heard = async (socket: TestWebSocket) => String((await socket.next()).payload);
  using ann = await openWebSocket(platform, 'local--chat-room-room', '/ann');
  assert.equal(await heard(ann), 'ann comes in');
  using ben = await openWebSocket(platform, 'local--chat-room-room', '/ben');
  assert.deepEqual([await heard(ann), await heard(ben)], ['ben comes in', 'ben comes in']);
  ben.send(opcodes.text, 'hi');
  assert.deepEqual([await heard(ann), await heard(ben)], ['ben: hi', 'ben: hi']);
  ben.send(opcodes.close, '');
  assert.equal(await heard(ann), 'ben has left');
});

test('the guestbook keeps what is written, and takes no markup', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const signed = await ask(platform, 'local--guestbook-book', '/', { headers, body: 'line=%3Cb%3Ehi' });
  assert.deepEqual([signed.status, signed.headers.location], [302, '/']);
  assert.match((await ask(platform, 'local--guestbook-book')).text, /<li>&lt;b&gt;hi<\/li>/);
});

test('the clicker counts', async () => {
  assert.match((await ask(platform, 'local--clicker-page')).text, /0 clicks/);
  await ask(platform, 'local--clicker-page', '/click', { method: 'POST' });
  assert.match((await ask(platform, 'local--clicker-page', '/click', { method: 'POST' })).text, /2 clicks/);
});

test('the file server has the folder', async () => {
  const { status, text } = await ask(platform, 'local--file-server-files', '/index.html');
  assert.deepEqual([status, text], [200, readFileSync(join(folder, 'site/index.html'), 'utf8')]);
});

test('the model of a class answers by both endpoints', async () => {
  const one = await ask(platform, 'local--sentiment-model-one', '/?text=a%20great%20day');
  assert.deepEqual(JSON.parse(one.text), { text: 'a great day', score: 2 });
  const body = '["good", "awful"]';
  const many = await ask(platform, 'local--sentiment-model-many', '/', { headers: JSON_TYPE, body });
  assert.deepEqual(
    (JSON.parse(many.text) as { score: number }[]).map(({ score }) => score),
    [1, -2],
  );
});

test('the notes are read with the right token only', async () => {
  const read = (token: string) =>
    ask(platform, 'local--private-notes-notes', '/', { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await read('my-token')).text, '["water the plants"]');
  assert.equal((await read('your-token')).status, 401);
});

test('the webhook believes who can sign', async () => {
  const body = '{"kind": "payment"}';
  const send = (key: string) => {
    const signature = createHmac('sha256', key).update(body).digest('hex');
    return ask(platform, 'local--webhook', '/', { headers: { 'x-signature': signature }, body });
  };
  assert.equal((await send('my-key')).text, '{"believed":"payment"}');
  assert.equal((await send('your-key')).status, 401);
});

test('a picture becomes a small one', async () => {
  const sent = await postPicture(picture(300, 150));
  assert.deepEqual([sent.type, sent.body.readUInt32BE(16), sent.body.readUInt32BE(20)], ['image/png', 64, 32]);
  assert.equal((await ask(platform, 'local--thumbnails-shrink', '/', { body: 'no picture' })).status, 415);
});

async function postPicture(body: Buffer): Promise<{ type: string | undefined; body: Buffer }> {
  const headers = { host: 'local--thumbnails-shrink.localhost', 'content-length': String(body.length) };
  const sent = request({ host: '127.0.0.1', port: platform.httpPort, method: 'POST', headers, agent: false });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { headers: Record<string, string> }];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { type: response.headers['content-type'], body: Buffer.concat(pieces) };
}

/** A black PNG: eight bits a pixel, each line unfiltered. */
function picture(width: number, height: number): Buffer {
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 0, 0, 0, 0], 8);
  const lines = deflateSync(Buffer.alloc((width + 1) * height));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', size), chunk('IDAT', lines), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
