import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Platform } from '@portico/testing';

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame (RFC 6455 section 5.2). */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A WebSocket by hand: it names another host than it connects to, and can send what a library would not. */
export interface TestWebSocket extends Disposable {
  /** The sub-protocol that was chosen; empty if none. */
  readonly protocol: string;
  send(opcode: number, payload: string | Buffer, isFinal?: boolean): void;
  /** The next frame; fails when the connection ends before it. */
  next(): Promise<Frame>;
}

const WITHIN_MS = 30_000;

export function openWebSocket(
  { httpPort }: Pick<Platform, 'httpPort'>,
  label: string,
  path = '/',
  protocols = '',
): Promise<TestWebSocket> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: `${label}.localhost`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...(protocols ? { 'sec-websocket-protocol': protocols } : {}),
    };
    const sent = request({ host: '127.0.0.1', port: httpPort, path, headers, timeout: WITHIN_MS });
    sent.once('error', reject);
    sent.once('response', (response) => reject(new Error(`the handshake was answered with ${response.statusCode}`)));
    sent.once('upgrade', (response, socket, head) => {
      socket.on('error', () => undefined);
      resolve(overSocket(socket, head, String(response.headers['sec-websocket-protocol'] ?? '')));
    });
    sent.end();
  });
}

function overSocket(socket: Duplex, head: Buffer, protocol: string): TestWebSocket {
  let held = head;
  let isEnded = false;
  let wake: () => void = () => undefined;
  socket.on('data', (data: Buffer) => {
    held = Buffer.concat([held, data]);
    wake();
  });
  socket.once('close', () => {
    isEnded = true;
    wake();
  });
  return {
    protocol,
    send: (opcode, payload, isFinal = true) => void socket.write(maskedFrame(opcode, Buffer.from(payload), isFinal)),
    async next() {
      for (;;) {
        const read = readFrame(held);
        if (read) {
          held = held.subarray(read.length);
          return read.frame;
        }
        if (isEnded) throw new Error('the connection has ended');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A server's frame is not masked. */
function readFrame(bytes: Buffer): { frame: Frame; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + size));
  return { frame: { opcode: (bytes[0] ?? 0) & 0x0f, payload }, length: start + size };
}

/** A client's frame is masked. */
function maskedFrame(opcode: number, payload: Buffer, isFinal: boolean): Buffer {
  const head = [(isFinal ? 0x80 : 0) | opcode];
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(payload.length));
  if (payload.length < 126) head.push(0x80 | payload.length);
  else if (payload.length < 65_536) head.push(0x80 | 126, ...size.subarray(6));
  else head.push(0x80 | 127, ...size);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}
