import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Platform } from '@portico/testing';
import { type Frame, frame, readFrame } from './websocket-frames.ts';

/** A WebSocket by hand: it names another host than it connects to, and can send what a library would not. */
export interface TestWebSocket extends Disposable {
  /** The sub-protocol that was chosen; empty if none. */
  readonly protocol: string;
  /** The extensions that were accepted; empty if none. */
  readonly extensions: string;
  send(opcode: number, payload: string | Buffer, isFinal?: boolean): void;
  /** Any bytes, in writes of so many octets, or in one. */
  sendBytes(bytes: Buffer, octets?: number): Promise<void>;
  /** The next frame; fails when the connection ends before it. */
  next(): Promise<Frame>;
  /** The next frame, or undefined at the end of the connection. */
  nextOrEnd(): Promise<Frame | undefined>;
}

const WITHIN_MS = 30_000;

export function openWebSocket(
  { httpPort }: Pick<Platform, 'httpPort'>,
  label: string,
  path = '/',
  protocols = '',
  extensions = '',
): Promise<TestWebSocket> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: `${label}.localhost`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...(protocols ? { 'sec-websocket-protocol': protocols } : {}),
      ...(extensions ? { 'sec-websocket-extensions': extensions } : {}),
    };
    const sent = request({ host: '127.0.0.1', port: httpPort, path, headers, timeout: WITHIN_MS });
    sent.once('error', reject);
    sent.once('response', (response) => reject(new Error(`the handshake was answered with ${response.statusCode}`)));
    sent.once('upgrade', (response, socket, head) => {
      const told = (name: string): string => String(response.headers[`sec-websocket-${name}`] ?? '');
      socket.on('error', () => undefined);
      resolve({ ...overSocket(socket, head), protocol: told('protocol'), extensions: told('extensions') });
    });
    sent.end();
  });
}

function overSocket(socket: Duplex, head: Buffer): Omit<TestWebSocket, 'protocol' | 'extensions'> {
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
  const nextOrEnd = async (): Promise<Frame | undefined> => {
    for (;;) {
      const read = readFrame(held);
      if (read) {
        held = held.subarray(read.length);
        return read.frame;
      }
      if (isEnded) return undefined;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nothing has come in time')), WITHIN_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return {
    send: (opcode, payload, isFinal = true) => void socket.write(frame(opcode, payload, { isFinal })),
    async sendBytes(bytes, octets = bytes.length) {
      for (let at = 0; at < bytes.length && !isEnded; at += octets)
        await new Promise<void>((resolve) => socket.write(bytes.subarray(at, at + octets), () => resolve()));
    },
    nextOrEnd,
    async next() {
      const read = await nextOrEnd();
      if (!read) throw new Error('the connection has ended');
      return read;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
