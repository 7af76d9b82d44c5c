import { randomBytes } from 'node:crypto';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import process from 'node:process';
import type { ClientLines } from '../../domain/container-head.ts';
import { readHttp2Head } from '../../domain/http2/request-head.ts';
import type { Deadline } from '../../domain/timer-wheel.ts';
import { type BucketState, fullBucket, type RateLimit, takeToken } from '../../domain/token-bucket.ts';
import type { Surroundings } from '../../surroundings.ts';
import { Exchange } from '../exchange.ts';
import { ClientStream, endStream, type StreamConnection, sendWhole } from './client-stream.ts';

/** What a client may send on one stream before the container has taken it. */
const STREAM_WINDOW_BYTES = 128 * 1024;
/** What it may send on all streams of a connection before the router has looked at it. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** Requests that a client may give up before their answer. */
const RESETS: RateLimit = { perSecond: 50, burst: 500 };
/** Frames and streams that may be wrong until the connection ends. */
const MISTAKES_MAX = 100;
const FIELDS_MAX = 2_048;
/** Largest header block that may be sent; no head that is let through becomes as large. */
const SENT_BLOCK_BYTES_MAX = 256 * 1024;
/** Of what node:http2 holds for one connection; more, and new streams are refused. */
const MEMORY_MIB_MAX = 32;

/** RFC 9113 section 7. */
const ENHANCE_YOUR_CALM = 0xb;

/** A connection of HTTP/2: many requests at once, each a stream. */
export class Http2Connection implements StreamConnection {
  readonly lines: ClientLines;
  readonly #around: Surroundings;
  readonly #session: ServerHttp2Session;
  readonly #streams = new Set<ServerHttp2Stream>();
  #resets: BucketState = fullBucket(RESETS, nowUs());
  /** Set while no stream is open. */
  #idle: Deadline | undefined;
  #isStopping = false;

  /** The socket may hold bytes that have been read already: it begins with the preface. */
  constructor(socket: Socket, around: Surroundings, lines: ClientLines) {
    this.#around = around;
    this.lines = lines;
    const { headerBytesMax, streamsMax } = around.limits;
    // Loaded when somebody speaks it first: 3 MB in each thread.
    this.#session = process.getBuiltinModule('node:http2').performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: streamsMax,
        // A head that is somewhat too large is answered with a 431; only what is far too large resets its stream.
        maxHeaderListSize: headerBytesMax * 2,
        initialWindowSize: STREAM_WINDOW_BYTES,
        enableConnectProtocol: true,
      },
      maxHeaderListPairs: FIELDS_MAX,
      maxSendHeaderBlockLength: SENT_BLOCK_BYTES_MAX,
      maxSessionMemory: MEMORY_MIB_MAX,
      maxSessionInvalidFrames: MISTAKES_MAX,
      maxSessionRejectedStreams: MISTAKES_MAX,
      // A container may answer with a field twice; it is passed on as it is in HTTP/1.1.
      strictSingleValueFields: false,
    });
    this.#session
      .on('stream', (stream, _headers, _flags, fields: readonly string[]) => this.#onStream(stream, fields))
      .once('connect', () => this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES))
      // The close that follows says it.
      .on('error', () => undefined)
      .once('close', () => this.#idle?.cancel());
    this.#await();
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Tells the client to send no more requests; the connection ends with the last answer. */
  stop(): void {
    this.#isStopping = true;
    this.#session.close();
  }

  #await(): void {
    this.#idle = this.#around.timers.after(this.#around.limits.idleTimeoutMs, () => this.#session.close());
  }

  #onStream(stream: ServerHttp2Stream, fields: readonly string[]): void {
    this.#idle?.cancel();
    this.#idle = undefined;
    this.#streams.add(stream);
    stream.on('error', () => undefined);
    const client = this.#beginRequest(stream, fields);
    stream.once('close', () => {
      this.#streams.delete(stream);
      if (client?.isUnfinished) this.#onGivenUp();
      client?.onClose();
      if (this.#streams.size === 0 && !this.#session.destroyed) this.#await();
    });
  }

  /** Requests that nobody waits for cost containers their work (CVE-2023-44487). */
  #onGivenUp(): void {
    const { waitUs, ...rest } = takeToken(this.#resets, RESETS, nowUs());
    this.#resets = rest;
    if (waitUs > 0) this.#session.destroy(undefined, ENHANCE_YOUR_CALM);
  }

  #beginRequest(stream: ServerHttp2Stream, fields: readonly string[]): ClientStream | undefined {
    const isWhole = stream.endAfterHeaders;
    const { headerBytesMax } = this.#around.limits;
    const websocketKey = (): string => randomBytes(16).toString('base64');
    const read = readHttp2Head(fields, { isWhole, headerBytesMax, websocketKey });
    if (read.kind === 'refused') {
      sendWhole(stream, read.answer, fields[fields.indexOf(':method') + 1] === 'HEAD');
      endStream(stream, isWhole);
      return undefined;
    }
    const client = new ClientStream(stream, this, read.head);
    client.begin(new Exchange(this.#around, client, read.head));
    return client;
  }
}

function nowUs(): number {
  return Math.round(performance.now() * 1_000);
}
