import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '@portico/testing';
import { acceptedWire, SocketWire, type WireListener } from '../src/http/wire.ts';

/** More than the kernel holds between two sockets. */
const MANY_BYTES = 32 * 1024 * 1024;

const nothing: WireListener = {
  onBytes: () => undefined,
  onDrain: () => undefined,
  onEnd: () => undefined,
  onClose: () => undefined,
};

/** Two wires, connected to each other: one that was accepted, one that has connected. */
async function pair(of: {
  accepted?: Partial<WireListener>;
  connecting?: Partial<WireListener>;
  /** What becomes of a connection before there is a wire. */
  prepare?: (socket: Socket) => void;
}) {
  const { promise: accepted, resolve } = Promise.withResolvers<SocketWire>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    of.prepare?.(socket);
    resolve(acceptedWire(socket, { ...nothing, ...of.accepted }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const listener = { ...nothing, ...of.connecting };
  const connecting = new SocketWire(listener, (options) => connect({ ...options, port }), 'connecting');
  const wires = { accepted: await accepted, connecting };
  await eventually('it is connected', () => connecting.isConnected);
  return {
    ...wires,
    [Symbol.dispose]() {
      for (const wire of Object.values(wires)) wire.destroy();
      server.close();
    },
  };
}

/** Bytes of which each tells where in the whole it stands. */
function numbered(from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 31 + ((from + i) >> 8)) & 0xff;
  return bytes;
}

/** Writes it all, in parts, at the pace of the other side. */
function pour(wire: SocketWire, bytesTotal: number): () => void {
  let at = 0;
  return () => {
    for (let isThrough = true; isThrough && at < bytesTotal; ) {
      const part = numbered(at, Math.min(100_000, bytesTotal - at));
      at += part.length;
      // Text and bytes by turns, and in order.
      isThrough = part.length % 3 === 0 ? wire.writeText(part.toString('latin1')) : wire.write(part);
      if (at === bytesTotal) wire.end();
    }
  };
}

for (const [from, to] of [
  ['accepted', 'connecting'],
  ['connecting', 'accepted'],
] as const)
  test(`what is written reaches a slow reader whole, in order and before the end: ${from} to ${to}`, async () => {
    const kept: Buffer[] = [];
    let hasEnded = false;
    let write = (): void => undefined;
    using wires = await pair({
      [from]: { onDrain: () => write() },
      [to]: {
        onBytes(bytes: Buffer, length: number) {
          // Not copied: from now on it is nobody else's.
          kept.push(bytes.subarray(0, length));
          wires[to].keepBytes();
          wires[to].pause();
          setImmediate(() => wires[to].resume());
        },
        onEnd() {
          hasEnded = true;
        },
      },
    });
    write = pour(wires[from], MANY_BYTES);
    write();
    await eventually('the end is heard', () => hasEnded, { withinMs: 60_000 });
    assert.ok(Buffer.concat(kept).equals(numbered(0, MANY_BYTES)));
  });

test('what is heard is what was sent, also when bytes are to be kept that nobody hears just now', async () => {
  const heard: string[] = [];
  using wires = await pair({
    accepted: { onBytes: (bytes, length) => heard.push(bytes.toString('latin1', 0, length)) },
  });
  for (const text of ['first', 'second', 'third']) {
    wires.connecting.writeText(text);
    await eventually(`${text} is heard`, () => heard.at(-1) === text);
    wires.accepted.keepBytes();
  }
});

test('bytes that were kept stay what they are when their wire has closed and others read', async () => {
  const kept: Buffer[] = [];
  let isClosed = false;
  {
    using wires = await pair({
      accepted: {
        onBytes(bytes, length) {
          kept.push(bytes.subarray(0, length));
          wires.accepted.keepBytes();
        },
        onClose() {
          isClosed = true;
        },
      },
    });
    wires.connecting.writeText('first');
    await eventually('it is heard', () => kept.length > 0);
  }
  await eventually('it has closed', () => isClosed);
  let heard = '';
  using wires = await pair({
    accepted: { onBytes: (bytes, length) => (heard = bytes.toString('latin1', 0, length)) },
    connecting: { onBytes: (bytes, length) => (heard = bytes.toString('latin1', 0, length)) },
  });
  for (const from of ['connecting', 'accepted'] as const) {
    wires[from].writeText(`later, ${from}`);
    await eventually('it is heard', () => heard === `later, ${from}`);
  }
  assert.equal(Buffer.concat(kept).toString(), 'first');
});

test('without a handle to write and read with, the socket does the same, and what is written need not stay', async () => {
  const [written, heard, back] = [numbered(0, 500_000), [] as Buffer[], [] as Buffer[]];
  using wires = await pair({
    prepare: (socket) => Object.assign((socket as Socket & { _handle: object })._handle, { useUserBuffer: undefined }),
    accepted: { onBytes: (bytes, length) => heard.push(Buffer.from(bytes.subarray(0, length))) },
    connecting: { onBytes: (bytes, length) => back.push(Buffer.from(bytes.subarray(0, length))) },
  });
  assert.ok(wires.accepted.copies);
  const again = Buffer.alloc(5_000);
  for (let at = 0; at < written.length; at += again.length) {
    written.copy(again, 0, at);
    wires.accepted.write(again);
  }
  wires.connecting.write(written);
  for (const all of [heard, back])
    await eventually('all has come', () => Buffer.concat(all).length === written.length && Buffer.concat(all));
  assert.ok(Buffer.concat(heard).equals(written));
  assert.ok(Buffer.concat(back).equals(written));
});

test('a wire that is paused hears of bytes and of the end when it goes on', async () => {
  const heard: string[] = [];
  using wires = await pair({
    accepted: {
      onBytes: (bytes, length) => heard.push(bytes.toString('latin1', 0, length)),
      onEnd: () => heard.push('the end'),
    },
  });
  wires.connecting.writeText('first');
  await eventually('it is heard', () => heard.length > 0);
  wires.accepted.pause();
  wires.connecting.writeText('second');
  wires.connecting.end();
  // What comes the other way comes after that.
  wires.accepted.writeText('back');
  assert.deepEqual(heard, ['first']);
  wires.accepted.resume();
  await eventually('all is heard', () => heard.at(-1) === 'the end');
  assert.deepEqual(heard, ['first', 'second', 'the end']);
});

test('what is written to a side that has gone ends the wire, and nothing else', async () => {
  let isClosed = false;
  using wires = await pair({
    connecting: {
      onClose() {
        isClosed = true;
      },
    },
  });
  wires.accepted.destroy();
  await eventually('it is closed', () => {
    if (!isClosed) wires.connecting.write(numbered(0, 1_000));
    return isClosed;
  });
  assert.ok(wires.connecting.isDestroyed);
  wires.connecting.write(numbered(0, 10));
  wires.connecting.keepBytes();
});

for (const [how, link] of [
  ['before it is connected, and then directly', 'connecting'],
  ['through its socket', 'secure'],
] as const)
  test(`what a wire writes ${how} arrives in order`, async () => {
    const heard: Buffer[] = [];
    const server = createServer((socket) => socket.on('data', (bytes) => heard.push(bytes))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const all = numbered(0, 300_000);
    let isDrained = false;
    const onDrain = (): void => {
      isDrained = true;
    };
    const wire = new SocketWire({ ...nothing, onDrain }, (options) => connect({ ...options, port }), link);
    wire.writeText(all.toString('latin1', 0, 100_000));
    wire.write(all.subarray(100_000, 200_000));
    await eventually('it has gone', () => isDrained);
    wire.write(all.subarray(200_000, 250_000));
    wire.writeText(all.toString('latin1', 250_000));
    await eventually('all has come', () => Buffer.concat(heard).length === all.length);
    assert.ok(Buffer.concat(heard).equals(all));
    wire.destroy();
    server.close();
  });
