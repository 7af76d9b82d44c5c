import { connect, type Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { HOST } from './simulated-platform.ts';

/** Frame types (RFC 9113 section 6). */
export const types = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const flags = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;

/** Error codes by their number (RFC 9113 section 7). */
const codes = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'],
  ...['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'],
  ...['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A frame, as wrong as it is asked to be. */
export function frame(type: number, flag: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A header block of literals that are not indexed (RFC 7541 section 6.2.2): any bytes can be in it. */
export function block(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** The pseudo-header fields of a request to the app. */
export function pseudo(
  method = 'GET',
  path = '/',
): readonly [readonly [string, string], ...(readonly [string, string])[]] {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', HOST],
  ];
}

/** A whole request without a body. */
export function get(stream: number, ...extra: readonly (readonly [string, string])[]): Buffer {
  return frame(types.HEADERS, flags.END_HEADERS | flags.END_STREAM, stream, block(...pseudo(), ...extra));
}

/** The head of a request whose body follows. */
export function post(stream: number, ...extra: readonly (readonly [string, string])[]): Buffer {
  return frame(types.HEADERS, flags.END_HEADERS, stream, block(...pseudo('POST'), ...extra));
}

export function data(stream: number, payload: Buffer | string, ends = true): Buffer {
  return frame(types.DATA, ends ? flags.END_STREAM : 0, stream, payload);
}

/** A client that sends exactly the frames it is given. */
export interface FrameClient extends Disposable {
  readonly socket: Socket;
  /** Everything that has come, oldest first. */
  readonly frames: readonly Frame[];
  send(...bytes: readonly (Buffer | string)[]): void;
  /** Waits until a frame comes that is looked for, or the end of the connection: then undefined. */
  until(isIt: (frame: Frame) => boolean): Promise<Frame | undefined>;
  /** What the router has made of everything sent so far. `waitsForAnswer` = it is to answer a request or reset its stream. */
  outcome(waitsForAnswer: boolean): Promise<string>;
}

/** Opens a connection; the preface and an empty SETTINGS frame are sent unless `begins` is false. */
export function frameClient(port: number, begins = true): FrameClient {
  const socket = connect({ host: '127.0.0.1', port });
  const reader = new ByteReader(socket);
  const frames: Frame[] = [];
  let isClosed = false;
  const next = async (): Promise<Frame | undefined> => {
    if (isClosed) return undefined;
    const received = await readFrame(reader).catch(() => undefined);
    if (received) frames.push(received);
    else isClosed = true;
    return received;
  };
  const until: FrameClient['until'] = async (isIt) => {
    for (let received = await next(); received; received = await next()) if (isIt(received)) return received;
    return undefined;
  };
  const pingOnce = async (): Promise<void> => {
    socket.write(frame(types.PING, 0, 0, 'outcome!'));
    await until(
      ({ type, flags: flag, payload }) => type === types.PING && flag === 1 && String(payload) === 'outcome!',
    );
  };
  if (begins) socket.write(Buffer.concat([Buffer.from(PREFACE), frame(types.SETTINGS, 0, 0)]));
  return {
    socket,
    frames,
    send: (...parts) =>
      void socket.write(
        Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
      ),
    until,
    async outcome(waitsForAnswer) {
      if (waitsForAnswer && !frames.some(isEnd)) await until(isEnd);
      // What is urgent overtakes the rest; behind the second answer nothing of the first is left.
      else for (let i = 0; i < 2; i++) await pingOnce();
      return outcomeOf(frames, isClosed);
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function readFrame(reader: ByteReader): Promise<Frame> {
  const head = await reader.exactly(9);
  const payload = Buffer.from(await reader.exactly(head.readUIntBE(0, 3)));
  return { type: head[3] ?? 0, flags: head[4] ?? 0, stream: head.readUInt32BE(5), payload };
}

/** The end of a stream, or of everything. */
function isEnd({ type, flags: flag, stream }: Frame): boolean {
  if (type === types.GOAWAY || type === types.RST_STREAM) return true;
  return stream > 0 && (type === types.DATA || type === types.HEADERS) && (flag & flags.END_STREAM) !== 0;
}

function outcomeOf(frames: readonly Frame[], isClosed: boolean): string {
  const goaway = frames.find(({ type }) => type === types.GOAWAY);
  if (goaway) return `connection error ${codes[goaway.payload.readUInt32BE(4)]}`;
  const reset = frames.find(({ type }) => type === types.RST_STREAM);
  if (reset) return `stream error ${codes[reset.payload.readUInt32BE(0)]}`;
  if (isClosed) return 'connection closed';
  const answer = frames.find(({ type }) => type === types.HEADERS);
  if (answer) return `answered with ${statuses.get(answer.payload[0] ?? 0) ?? 'another status'}`;
  return 'goes on';
}

/** Statuses that a header block begins with when they are in the static table (RFC 7541 appendix A). */
const statuses = new Map([
  [0x88, 200],
  [0x89, 204],
  [0x8c, 400],
  [0x8d, 404],
  [0x8e, 500],
]);
