import type { Http2Stream, ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2';
import { type Answer, answers } from '../../domain/answers.ts';
import type { ClientHeadOptions } from '../../domain/client-head.ts';
import type { ClientLines } from '../../domain/container-head.ts';
import { type BodyFollower, createBodyFollower } from '../../domain/http1/body-follower.ts';
import type { RequestHead } from '../../domain/http1/request-head.ts';
import { type ResponseHead, readResponseHead } from '../../domain/http1/response-head.ts';
import { trailerLines } from '../../domain/http2/request-head.ts';
import { interimFields, responseFields, trailerFields } from '../../domain/http2/response-fields.ts';
import type { Exchange } from '../exchange.ts';
import type { ExchangeClient } from '../exchange-client.ts';
import { connectTunnel } from '../tunnel.ts';
import type { Wire, WireListener } from '../wire.ts';

/** What a stream needs to know of its connection. */
export interface StreamConnection {
  readonly lines: ClientLines;
  readonly isStopping: boolean;
}

type State =
  | { readonly kind: 'exchange'; readonly exchange: Exchange }
  | { readonly kind: 'tunnel'; readonly listener: WireListener }
  /** Everything is written. */
  | { readonly kind: 'over' };

const OVER: State = { kind: 'over' };
/** The date is the container's to say. */
const SEND_OPTIONS: ServerStreamResponseOptions & { sendDate: boolean } = { sendDate: false };
/** Clients take no more frames for a head than this fills, and end the whole connection over one more. */
const ANSWER_HEAD_BYTES_MAX = 96 * 1024;
/** RFC 9113 section 7. */
const NO_ERROR = 0x0;

/** One stream of HTTP/2: its request becomes what HTTP/1.1 would have sent, and its answer is made from what HTTP/1.1 says. */
export class ClientStream implements ExchangeClient {
  readonly #stream: ServerHttp2Stream;
  readonly #connection: StreamConnection;
  readonly #isChunked: boolean;
  /** Only the head of the answer is asked for. */
  readonly #isHead: boolean;
  #state: State = OVER;
  #isBodyWhole: boolean;
  #trailers = '';
  /** Takes the framing of HTTP/1.1 off the answer. */
  #follower: BodyFollower | undefined;

  constructor(stream: ServerHttp2Stream, connection: StreamConnection, head: RequestHead) {
    this.#stream = stream;
    this.#connection = connection;
    this.#isChunked = head.framing.kind === 'chunked';
    this.#isHead = head.method === 'HEAD';
    this.#isBodyWhole = stream.endAfterHeaders;
  }

  get lines(): ClientLines {
    return this.#connection.lines;
  }

  get isStopping(): boolean {
    return this.#connection.isStopping;
  }

  /** Whether the client's reset or the end of its connection came before the answer's end. */
  get isUnfinished(): boolean {
    return this.#state.kind === 'exchange';
  }

  /** Starts the exchange and reads the stream. */
  begin(exchange: Exchange): void {
    this.#state = { kind: 'exchange', exchange };
    exchange.start();
    this.#stream
      .on('trailers', (_headers, _flags, fields) => {
        this.#trailers = trailerLines(fields);
      })
      .on('data', (bytes: Buffer) => this.#onData(bytes))
      .once('end', () => this.#onEnd())
      .on('drain', () => this.#onDrain());
  }

  /** The stream is closed, by whomever. */
  onClose(): void {
    const state = this.#state;
    this.#state = OVER;
    if (state.kind === 'exchange') state.exchange.abandon();
    else if (state.kind === 'tunnel') state.listener.onClose();
  }

  pause(_keeping: boolean): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  sendInterim(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    const read = readResponseHead(bytes, 0, bytes.length, false);
    if (read.kind === 'head' && this.#isOpen && !this.#stream.headersSent)
      // An object: the types know no list here, and interim answers have few fields.
      this.#stream.additionalHeaders(objectOf(interimFields(read.head)));
  }

  sendHead(head: ResponseHead, { requestId }: ClientHeadOptions, body: Buffer): boolean {
    if (!this.#isOpen) return true;
    if (head.linesEnd - head.linesFrom > ANSWER_HEAD_BYTES_MAX) {
      sendWhole(this.#stream, answers.unreachable, this.#isHead);
      return true;
    }
    const hasTrailers = head.framing.kind === 'chunked';
    // A stream of gRPC that ends with its head says so there.
    const endStream = head.framing.kind === 'length' && head.framing.bytes === 0;
    this.#stream.respond(responseFields(head, requestId), { ...SEND_OPTIONS, waitForTrailers: hasTrailers, endStream });
    if (hasTrailers) this.#stream.once('wantTrailers', () => this.#sendTrailers());
    this.#follower = createBodyFollower(head.framing, (bytes, from, to) => {
      // The stream writes later, and these bytes will be overwritten.
      if (this.#isOpen) this.#stream.write(Buffer.from(bytes.subarray(from, to)));
    });
    return this.sendBody(body);
  }

  sendBody(bytes: Buffer): boolean {
    if (bytes.length > 0) this.#follower?.follow(bytes, 0, bytes.length);
    return !this.#stream.writableNeedDrain;
  }

  sendAnswer(answer: Answer, _closes: boolean, isHead: boolean): void {
    sendWhole(this.#stream, answer, isHead);
  }

  end(): void {
    this.#state = OVER;
    endStream(this.#stream, this.#isBodyWhole);
  }

  cut(): void {
    this.#state = OVER;
    breakOff(this.#stream);
  }

  becomeTunnel(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void {
    const stream = this.#stream;
    if (head.upgrade.toLowerCase() !== 'websocket' || !this.#isOpen) {
      container.destroy();
      onOver();
      this.sendAnswer(answers.unreachable, true, false);
      return this.end();
    }
    const side = {
      write: (bytes: Buffer): boolean => this.#isOpen && stream.write(Buffer.from(bytes)),
      keepBytes: () => undefined,
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      end: () => void stream.end(),
      destroy: () => (stream.writableEnded ? stream.close() : breakOff(stream)),
    };
    const ends = connectTunnel(side, container, head, onOver);
    this.#state = { kind: 'tunnel', listener: ends.client };
    // The change of protocol is a success here (RFC 8441 section 5).
    stream.respond(responseFields(head, '', 200), SEND_OPTIONS);
    if (early.length > 0) ends.container.onBytes(early, early.length);
    stream.resume();
  }

  get #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #onData(bytes: Buffer): void {
    const state = this.#state;
    if (state.kind === 'tunnel') state.listener.onBytes(bytes, bytes.length);
    else if (state.kind === 'exchange') {
      const framed = this.#isChunked
        ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END])
        : bytes;
      state.exchange.takeBody(framed, 0, framed.length);
    }
  }

  #onEnd(): void {
    const state = this.#state;
    this.#isBodyWhole = true;
    if (state.kind === 'tunnel') return state.listener.onEnd();
    if (state.kind !== 'exchange' || !this.#isChunked) return;
    const last = Buffer.from(`0\r\n${this.#trailers}\r\n`, 'latin1');
    state.exchange.takeBody(last, 0, last.length);
  }

  #onDrain(): void {
    if (this.#state.kind === 'exchange') this.#state.exchange.onClientDrain();
    else if (this.#state.kind === 'tunnel') this.#state.listener.onDrain();
  }

  #sendTrailers(): void {
    if (this.#isOpen) sendTrailers(this.#stream, this.#follower?.trailers ?? '');
  }
}

const LINE_END = Buffer.from('\r\n');

/** An answer of the router itself, before or instead of any exchange. */
export function sendWhole(stream: ServerHttp2Stream, { status, text, headers = {} }: Answer, isHead: boolean): void {
  if (stream.destroyed || stream.closed) return;
  const bytes = Buffer.from(text);
  stream.respond(
    {
      ...headers,
      ':status': status,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': bytes.length,
    },
    { ...SEND_OPTIONS, endStream: isHead },
  );
  if (!isHead) stream.write(bytes);
}

/** Ends a stream; a request that has not come whole is not wanted any more (RFC 9113 section 8.1). */
export function endStream(stream: ServerHttp2Stream, isBodyWhole: boolean): void {
  if (stream.destroyed) return;
  if (!isBodyWhole) stream.once('finish', () => stream.close(NO_ERROR));
  stream.end();
  // What still comes is read over, so that the stream can end.
  stream.resume();
}

/** Resets a stream. Closing it with a code would end it first, so that a part could be taken for the whole. */
function breakOff(stream: ServerHttp2Stream): void {
  stream.destroy(new Error('the answer broke off'));
}

/** Ends a stream with trailer lines; with those that node:http2 does not take it is reset. */
export function sendTrailers(stream: Http2Stream, lines: string): void {
  try {
    stream.sendTrailers(objectOf(trailerFields(lines)));
  } catch (error) {
    stream.destroy(error as Error);
  }
}

/** A field that comes more than once has a list. */
function objectOf(fields: readonly string[]): Record<string, string[]> {
  // Without a prototype: a field may be called `constructor`.
  const object: Record<string, string[]> = Object.create(null);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    object[name] ??= [];
    object[name].push(fields[i + 1] ?? '');
  }
  return object;
}
