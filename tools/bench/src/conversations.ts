import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A connection on which one question is asked at a time. */
export interface Conversation extends Disposable {
  /** Resolves when the answer is whole; fails when it is no good. */
  ask(): Promise<void>;
}

/** A GET of one path, again and again. */
export async function openHttp(endpoint: NetConnectOpts, host: string, path: string): Promise<Conversation> {
  const question = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`);
  return conversation(await connected(endpoint), question, httpLengthOf);
}

const MESSAGE = Buffer.alloc(64, 'x');
const ECHO_LENGTH = 2 + MESSAGE.length;

/** A WebSocket whose other side says again what it hears. */
export async function openEcho(endpoint: NetConnectOpts, host: string): Promise<Conversation> {
  const socket = await connected(endpoint);
  socket.write(
    `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${head.toString('latin1')}`);
  // Final, text, masked with zeros: the same bytes on the wire as without a mask.
  const question = Buffer.concat([Buffer.from([0x81, 0x80 | MESSAGE.length, 0, 0, 0, 0]), MESSAGE]);
  return conversation(socket, question, () => ECHO_LENGTH);
}

async function connected(endpoint: NetConnectOpts): Promise<Socket> {
  const socket = connect(endpoint);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** `lengthOf` tells the length of the whole answer from its beginning, once it can be told. */
function conversation(socket: Socket, question: Buffer, lengthOf: (begin: Buffer) => number | undefined): Conversation {
  let begin = Buffer.alloc(0);
  let expected: number | undefined;
  let got = 0;
  let ended: Error | undefined;
  let waiting: PromiseWithResolvers<void> | undefined;
  const end = (error: Error): void => {
    ended ??= error;
    waiting?.reject(ended);
  };
  socket.on('error', end);
  socket.on('close', () => end(new Error('the other side has closed')));
  socket.on('data', (data) => {
    got += data.length;
    try {
      if (expected === undefined) {
        begin = begin.length > 0 ? Buffer.concat([begin, data]) : data;
        expected = lengthOf(begin);
      }
    } catch (error) {
      end(error as Error);
    }
    if (expected !== undefined && got >= expected) waiting?.resolve();
  });
  return {
    async ask() {
      if (ended) throw ended;
      waiting = Promise.withResolvers<void>();
      begin = Buffer.alloc(0);
      expected = undefined;
      got = 0;
      socket.write(question);
      await waiting.promise;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function httpLengthOf(begin: Buffer): number | undefined {
  const end = begin.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = begin.toString('latin1', 0, end);
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not answered with 200: ${head}`);
  return end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
}
