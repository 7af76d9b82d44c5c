import { connect, type Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { HOST } from './simulated-platform.ts';

/** One answer, as its bytes said. */
export interface RawReply {
  readonly status: number;
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A client that sends exactly the bytes it is given. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  /** The next answer on this connection. `isHead` = an answer to HEAD. */
  reply(isHead?: boolean): Promise<RawReply>;
  /** Bytes that have come and belong to no answer read so far; waits for at least one. */
  bytes(): Promise<string>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
}

/** Opens a connection to a router on loopback. */
export function rawClient(port: number): RawClient {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  const reader = new ByteReader(socket);
  return {
    socket,
    closed: reader.closed,
    send: (bytes) => void socket.write(bytes),
    reply: (isHead = false) => readReply(reader, isHead),
    bytes: async () => (await reader.some()).toString('latin1'),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function readReply(reader: ByteReader, isHead: boolean): Promise<RawReply> {
  const status = Number((await reader.line()).split(' ')[1]);
  const headers = new Map<string, string>();
  for (let text = await reader.line(); text !== ''; text = await reader.line()) {
    const name = text.slice(0, text.indexOf(':')).toLowerCase();
    const value = text.slice(name.length + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
  return { status, headers, body: hasBody ? (await readBody(reader, headers)).toString('latin1') : '' };
}

function readBody(reader: ByteReader, headers: ReadonlyMap<string, string>): Promise<Buffer> {
  if (headers.has('transfer-encoding')) return reader.chunked();
  const length = headers.get('content-length');
  return length === undefined ? reader.untilClosed() : reader.exactly(Number(length));
}

/** One request on a connection of its own. */
export async function ask(port: number, path = '/', extra = '', method = 'GET', body = ''): Promise<RawReply> {
  using client = rawClient(port);
  client.send(`${method} ${path} HTTP/1.1\r\nhost: ${HOST}\r\n${extra}\r\n${body}`);
  return await client.reply(method === 'HEAD');
}
