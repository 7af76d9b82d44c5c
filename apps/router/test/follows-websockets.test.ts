import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { closeFrame } from '../src/domain/websocket/close-frame.ts';
import { MESSAGE_BYTES_MAX } from '../src/domain/websocket/frame-reader.ts';
import { ByteReader } from './byte-reader.ts';
import { type RawClient, rawClient } from './raw-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

/** The container's side of one WebSocket: only a socket, so that it can break every rule. */
interface Accepted {
  readonly socket: Socket;
  readonly reader: ByteReader;
}

let platform: SimulatedPlatform;
const accepted: Accepted[] = [];

before(async () => {
  platform = await simulatedPlatform();
  await platform.rawContainer('ta-1', async (socket) => {
    const reader = new ByteReader(socket);
    let head = '';
    for (let line = await reader.line(); line !== ''; line = await reader.line()) head += `${line}\n`;
    const protocol = /^upgrade: (.*)$/im.exec(head)?.[1];
    const extensions = /^sec-websocket-extensions: .*$/im.exec(head)?.[0];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\n` +
        `${extensions ? `${extensions}\r\n` : ''}\r\n`,
    );
    accepted.push({ socket, reader });
  });
});

after(() => platform?.[Symbol.asyncDispose]());

async function open(extra = '', protocol = 'websocket'): Promise<Accepted & { client: RawClient } & Disposable> {
  const client = rawClient(platform.port);
  const before = accepted.length;
  client.send(`GET / HTTP/1.1\r\nhost: ${HOST}\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\n${extra}\r\n`);
  assert.equal((await client.reply()).status, 101);
  const container = accepted[before];
  assert.ok(container);
  return { ...container, client, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

async function until(client: RawClient, length: number): Promise<Buffer> {
  let text = '';
  while (text.length < length) text += await client.bytes();
  return Buffer.from(text, 'latin1');
}

/** The rest that a side hears, up to its end. */
async function rest(client: RawClient): Promise<Buffer> {
  let text = '';
  for (;;) {
    try {
      text += await client.bytes();
    } catch {
      return Buffer.from(text, 'latin1');
    }
  }
}

const masked = (first: number, payload: Buffer): Buffer => {
  const size = Buffer.alloc(payload.length < 126 ? 0 : 8);
  if (size.length > 0) size.writeBigUInt64BE(BigInt(payload.length));
  return Buffer.concat([
    Buffer.from([first, 0x80 | (size.length > 0 ? 127 : payload.length)]),
    size,
    Buffer.alloc(4),
    payload,
  ]);
};
const plain = (first: number, payload: Buffer): Buffer => {
  const bytes = masked(first, payload);
  bytes[1] = (bytes[1] ?? 0) & 0x7f;
  const head = bytes.length - payload.length - 4;
  return Buffer.concat([bytes.subarray(0, head), payload]);
};
const TOO_BIG = { code: 1009, why: 'message is too big' } as const;

test('frames go both ways as they were sent, byte by byte or in one piece', async () => {
  using socket = await open();
  socket.client.socket.setNoDelay(true);
  const frames = [
    masked(0x81, Buffer.from('hello')),
    masked(0x02, Buffer.alloc(300_000, 1)),
    masked(0x80, Buffer.of()),
  ];
  const sent = Buffer.concat(frames);
  for (const byte of sent.subarray(0, 30))
    await new Promise<void>((resolve) => socket.client.socket.write(Buffer.from([byte]), () => resolve()));
  socket.client.send(sent.subarray(30));
  assert.ok((await socket.reader.exactly(sent.length)).equals(sent));
  const answer = plain(0x82, Buffer.alloc(MESSAGE_BYTES_MAX, 2));
  socket.socket.write(answer);
  assert.ok((await until(socket.client, answer.length)).equals(answer));
});

const refused: [name: string, bytes: Buffer, why: { code: 1002 | 1009; why: string }][] = [
  ['a message that is too big', masked(0x82, Buffer.alloc(MESSAGE_BYTES_MAX + 1)).subarray(0, 100), TOO_BIG],
  [
    'fragments that are too big together',
    Buffer.concat([masked(0x02, Buffer.alloc(MESSAGE_BYTES_MAX)), masked(0x80, Buffer.alloc(1))]),
    TOO_BIG,
  ],
  ['a frame without a mask', plain(0x81, Buffer.from('x')), { code: 1002, why: 'frame is not masked' }],
  ['reserved bits', masked(0xc1, Buffer.from('x')), { code: 1002, why: 'reserved bits are set' }],
  ['an unknown opcode', masked(0x83, Buffer.from('x')), { code: 1002, why: 'unknown opcode' }],
  ['a long ping', masked(0x89, Buffer.alloc(126)), { code: 1002, why: 'control frame is fragmented or too long' }],
];

for (const [name, bytes, why] of refused) {
  test(`${name} from a client: both sides hear ${why.code}, and nothing of the frame goes on`, async () => {
    using socket = await open();
    const good = masked(0x81, Buffer.from('good'));
    socket.client.send(Buffer.concat([good, bytes]));
    assert.ok((await rest(socket.client)).equals(closeFrame(why, false)));
    const heard = await socket.reader.untilClosed();
    const first = bytes.length > MESSAGE_BYTES_MAX ? masked(0x02, Buffer.alloc(MESSAGE_BYTES_MAX)) : Buffer.of();
    assert.ok(heard.equals(Buffer.concat([good, first, closeFrame(why, true)])));
  });
}

test('a message of the container that is too big ends both sides with 1009', async () => {
  using socket = await open();
  socket.socket.write(plain(0x82, Buffer.alloc(MESSAGE_BYTES_MAX + 1)));
  assert.ok((await rest(socket.client)).equals(closeFrame(TOO_BIG, false)));
  assert.ok((await socket.reader.untilClosed()).equals(closeFrame(TOO_BIG, true)));
});

test('a client hears why only after the frame that it is being sent', async () => {
  using socket = await open();
  const answer = plain(0x82, Buffer.alloc(1_000, 3));
  socket.socket.write(answer.subarray(0, 500));
  await until(socket.client, 500);
  socket.client.send(plain(0x81, Buffer.from('x')));
  const why = { code: 1002, why: 'frame is not masked' } as const;
  assert.ok((await socket.reader.untilClosed()).equals(closeFrame(why, true)));
  socket.socket.write(Buffer.concat([answer.subarray(500), answer]));
  assert.ok((await rest(socket.client)).equals(Buffer.concat([answer.subarray(500), closeFrame(why, false)])));
});

test('who does not end the connection after that is cut off, and the slot is free', async () => {
  using socket = await open();
  await eventually('it is counted', () => platform.loads.at(-1)?.pools[0]?.inFlight === 1);
  socket.client.send(plain(0x81, Buffer.from('x')));
  await socket.reader.closed;
  await eventually('the slot is free', () => platform.loads.at(-1)?.pools.length === 0);
});

test('a client that is still sending when the container ends reads why, and is not reset', async () => {
  using socket = await open();
  const why = closeFrame({ code: 1002, why: 'enough' }, false);
  socket.socket.end(why, () => socket.socket.destroy());
  for (let i = 0; i < 200; i++)
    await new Promise<void>((resolve, reject) => {
      socket.client.socket.write(masked(0x81, Buffer.from('more')), (error) =>
        error ? reject(error) : setImmediate(resolve),
      );
    });
  assert.ok((await until(socket.client, why.length)).equals(why));
  await eventually('it is counted', () => platform.loads.at(-1)?.pools[0]?.inFlight === 1);
  socket.client.socket.end();
  await socket.client.closed;
  await eventually('the slot is free', () => platform.loads.at(-1)?.pools.length === 0);
});

test('a container that goes on when its client has left is cut off, and the slot is free', async () => {
  const socket = await open();
  await eventually('it is counted', () => platform.loads.at(-1)?.pools[0]?.inFlight === 1);
  socket.client[Symbol.dispose]();
  await socket.reader.closed;
  await eventually('the slot is free', () => platform.loads.at(-1)?.pools.length === 0);
});

test('with compression negotiated its bit is legal', async () => {
  using socket = await open('sec-websocket-extensions: permessage-deflate\r\n');
  const sent = masked(0xc1, Buffer.from('compressed'));
  socket.client.send(sent);
  assert.ok((await socket.reader.exactly(sent.length)).equals(sent));
});

test('other protocols are a tunnel for any bytes', async () => {
  using socket = await open('', 'chat');
  const sent = plain(0xff, Buffer.alloc(MESSAGE_BYTES_MAX + 1));
  socket.client.send(sent);
  assert.ok((await socket.reader.exactly(sent.length)).equals(sent));
});
