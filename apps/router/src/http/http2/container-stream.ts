import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { answers } from '../../domain/answers.ts';
import { type BodyFollower, createBodyFollower } from '../../domain/http1/body-follower.ts';
import { answerTrailers, containerAnswer, interimAnswer } from '../../domain/http2/container-answer.ts';
import { containerRequest } from '../../domain/http2/container-request.ts';
import type { Wire, WireListener } from '../wire.ts';
import { answerBytes } from '../write-answer.ts';
import { sendTrailers } from './client-stream.ts';

/** The connection to a container that a stream goes over. */
export interface ContainerSession {
  readonly session: ClientHttp2Session;
  /** Whether the container has accepted the connection. */
  readonly isConnected: boolean;
  /** Whether it has shown that it speaks HTTP/2. */
  readonly isHttp2: boolean;
}

const NOT_HTTP2 = answerBytes(answers.notHttp2, true, false);
const LINE_END = Buffer.from('\r\n');
const { NGHTTP2_CANCEL } = constants;

/**
 * One request to a container that speaks HTTP/2. To the rest of the router it is a wire of HTTP/1.1: what is written to it
 * becomes a stream, and the stream is heard as an answer after which the connection ends.
 */
export class ContainerStream implements Wire {
  listener: WireListener;
  readonly #over: ContainerSession;
  #stream: ClientHttp2Stream | undefined;
  /** Takes the framing of HTTP/1.1 off the body of the request. */
  #follower: BodyFollower | undefined;
  #isChunked = false;
  /** Of the answer's body; undefined = as long as it takes. */
  #left: number | undefined;
  #trailers = '';
  #isDestroyed = false;

  constructor(over: ContainerSession, listener: WireListener) {
    this.#over = over;
    this.listener = listener;
  }

  get isConnected(): boolean {
    return this.#over.isConnected;
  }

  get copies(): boolean {
    return true;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  writeText(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'));
  }

  /** The first bytes hold the whole head. */
  write(bytes: Buffer): boolean {
    let from = 0;
    if (!this.#follower) from = this.#begin(bytes);
    this.#follower?.follow(bytes, from, bytes.length);
    if (this.#follower?.isDone && !this.#stream?.writableEnded) this.#stream?.end();
    return !this.#stream?.writableNeedDrain;
  }

  /** What is heard is kept by whoever needs it: each time it is another buffer. */
  keepBytes(): void {}

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  end(): void {
    this.#stream?.end();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    // A whole answer needs no reset: its stream ends by itself.
    if (this.#left === 0 && this.#follower?.isDone) this.#stream?.resume();
    else this.#stream?.close(NGHTTP2_CANCEL);
  }

  /** The place just past the head. */
  #begin(bytes: Buffer): number {
    const { method, fields, framing, end } = containerRequest(bytes);
    this.#follower = createBodyFollower(framing, (content, from, to) => {
      // The stream writes later, and these bytes will be overwritten.
      if (!this.#stream?.destroyed) this.#stream?.write(Buffer.from(content.subarray(from, to)));
    });
    try {
      const endStream = framing.kind === 'length' && framing.bytes === 0;
      const waitForTrailers = framing.kind === 'chunked';
      this.#stream = this.#over.session.request(fields, { endStream, waitForTrailers });
    } catch {
      // The session has ended: heard as any end of a connection is, but later than this write.
      setImmediate(() => this.#onClose());
      return end;
    }
    this.#hear(this.#stream, method === 'HEAD');
    return end;
  }

  #hear(stream: ClientHttp2Stream, isHead: boolean): void {
    stream
      .once('wantTrailers', () => sendTrailers(stream, this.#follower?.trailers ?? ''))
      .on('headers', (_headers, _flags, fields: readonly string[]) =>
        this.#tell(Buffer.from(interimAnswer(fields), 'latin1')),
      )
      .once('response', (_headers, flags, fields: readonly string[]) => {
        const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        const answer = containerAnswer(fields, { isWhole, isHead });
        this.#isChunked = answer.isChunked;
        this.#left = answer.bytes;
        this.#tell(Buffer.from(answer.head, 'latin1'));
      })
      .once('trailers', (_headers, _flags, fields: readonly string[]) => {
        this.#trailers = answerTrailers(fields);
      })
      .on('data', (bytes: Buffer) => this.#onData(bytes))
      .once('end', () => this.#onEnd())
      .on('drain', () => {
        if (!this.#isDestroyed) this.listener.onDrain();
      })
      .once('close', () => this.#onClose())
      // The close that follows says what has happened, if this does not.
      .on('error', (error) => {
        if ('code' in error && error.code === 'ERR_HTTP2_ERROR' && !this.#over.isHttp2) this.#tell(NOT_HTTP2);
      });
  }

  #onData(bytes: Buffer): void {
    if (this.#left !== undefined) this.#left = Math.max(0, this.#left - bytes.length);
    if (!this.#isChunked) return this.#tell(bytes);
    if (bytes.length > 0) this.#tell(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END]));
  }

  #onEnd(): void {
    // Of a stream that was reset there is an end too.
    if (!this.#isChunked || this.#stream?.aborted || this.#stream?.rstCode) return;
    this.#left = 0;
    this.#tell(Buffer.from(`0\r\n${this.#trailers}\r\n`, 'latin1'));
  }

  #onClose(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.listener.onClose();
  }

  #tell(bytes: Buffer): void {
    if (!this.#isDestroyed) this.listener.onBytes(bytes, bytes.length);
  }
}
