import { interimHead } from '../domain/client-head.ts';
import { type BodyFollower, createBodyFollower } from '../domain/http1/body-follower.ts';
import { hasEmptyLine } from '../domain/http1/fields.ts';
import { type ResponseHead, readResponseHead } from '../domain/http1/response-head.ts';
import type { Wire, WireListener } from './wire.ts';

/** How a try at a container failed before it answered. */
export type Failure =
  /** The container does not accept connections: its server has ended, or listens no more. */
  | 'not-connected'
  /** Provably not delivered: another container may be tried. */
  | 'not-sent'
  /** It broke off, or answered with what is no HTTP. */
  | 'broken';

/** Who hears the answer of one request. */
export interface AnswerListener {
  /** An interim answer (1xx). */
  onInterim(text: string): void;
  /** `body` is what has come of the body along with the head. Both are valid until this returns. */
  onHead(head: ResponseHead, body: Buffer): void;
  /** A further part of the body, framing included; valid until this returns. */
  onBody(bytes: Buffer): void;
  /** The protocol has changed: these are its first bytes, and all further ones go to the wire's next listener. */
  onUpgrade(head: ResponseHead, wire: Wire, early: Buffer): void;
  onComplete(): void;
  onFailure(failure: Failure): void;
  /** It broke off in the middle of its answer. */
  onCut(): void;
  /** What was written has gone. */
  onDrain(): void;
}

export interface SentRequest {
  readonly method: string;
  /** The container may change the protocol. */
  readonly asksUpgrade: boolean;
  readonly listener: AnswerListener;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'head'; readonly sent: SentRequest; readonly held: Buffer | undefined }
  | { readonly kind: 'body'; readonly sent: SentRequest; readonly body: BodyFollower; readonly keepsAlive: boolean }
  | { readonly kind: 'gone' };

/** Interim answers of one request: they go to a client before anybody knows whether it reads. */
const INTERIM_MAX = 32;
/** Heads of answers above this size are refused: the same bound as nginx and the runner have. */
const HEAD_BYTES_MAX = 256 * 1024;
/** Methods that may be sent again when a kept connection turned out to be closed (RFC 9110 section 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const NOTHING = Buffer.alloc(0);
const IDLE: State = { kind: 'idle' };
const GONE: State = { kind: 'gone' };

/** A connection to a container, for one request after the other. */
export class Upstream implements WireListener {
  readonly wire: Wire;
  #state: State = IDLE;
  #requests = 0;
  /** Of this request. */
  #interims = 0;
  readonly #onIdleClose: (upstream: Upstream) => void;

  constructor(connect: (listener: WireListener) => Wire, onIdleClose: (upstream: Upstream) => void) {
    this.#onIdleClose = onIdleClose;
    this.wire = connect(this);
  }

  /** Whether another request may be sent on it. */
  get isReusable(): boolean {
    return this.#state.kind === 'idle' && !this.wire.isDestroyed;
  }

  /** Expects the answer to a request whose head is written next. */
  begin(sent: SentRequest): void {
    this.#requests += 1;
    this.#interims = 0;
    this.#state = { kind: 'head', sent, held: undefined };
  }

  /** Ends the connection; its listener hears nothing more. */
  abandon(): void {
    this.#state = GONE;
    this.wire.destroy();
  }

  onBytes(bytes: Buffer, length: number): void {
    const state = this.#state;
    if (state.kind === 'head') this.#readHead(state, bytes, length);
    else if (state.kind === 'body') this.#readBody(state, bytes, length);
    else {
      // Bytes that nobody has asked for.
      this.onClose();
      this.wire.destroy();
    }
  }

  onDrain(): void {
    const state = this.#state;
    if (state.kind === 'head' || state.kind === 'body') state.sent.listener.onDrain();
  }

  onEnd(): void {
    const state = this.#state;
    this.onClose();
    if (state.kind !== 'gone') this.wire.destroy();
  }

  onClose(): void {
    const state = this.#state;
    this.#state = GONE;
    if (state.kind === 'idle') this.#onIdleClose(this);
    else if (state.kind === 'head') {
      const isStale = this.#requests > 1 && state.held === undefined && repeatable.has(state.sent.method);
      if (!this.wire.isConnected) state.sent.listener.onFailure('not-connected');
      else state.sent.listener.onFailure(isStale ? 'not-sent' : 'broken');
    } else if (state.kind === 'body') {
      const { body, sent } = state;
      if (body.endsWithClose) sent.listener.onComplete();
      else sent.listener.onCut();
    }
  }

  #readHead(state: State & { kind: 'head' }, fresh: Buffer, length: number): void {
    const bytes = state.held ? Buffer.concat([state.held, fresh.subarray(0, length)]) : fresh;
    const to = state.held ? bytes.length : length;
    if (state.held && to < HEAD_BYTES_MAX && !hasEmptyLine(bytes, state.held.length))
      return this.#hold(state.sent, bytes);
    this.#readHeads(state.sent, bytes, to);
  }

  /** Interim answers may come before the one that counts. */
  #readHeads(sent: SentRequest, bytes: Buffer, to: number): void {
    for (let from = 0; from < to; ) {
      const read = readResponseHead(bytes, from, Math.min(to, from + HEAD_BYTES_MAX), sent.method !== 'HEAD');
      if (read.kind === 'unfinished' && to - from < HEAD_BYTES_MAX)
        return this.#hold(sent, Buffer.from(bytes.subarray(from, to)));
      if (read.kind !== 'head') return this.#refuse(sent);
      const { head, end } = read;
      if (head.status === 101 && !sent.asksUpgrade) return this.#refuse(sent);
      if (head.status >= 200 || head.status === 101) return this.#begin(sent, head, bytes, end, to);
      this.#interims += 1;
      if (this.#interims > INTERIM_MAX) return this.#refuse(sent);
      sent.listener.onInterim(interimHead(head));
      from = end;
    }
    this.#state = { kind: 'head', sent, held: undefined };
  }

  #hold(sent: SentRequest, held: Buffer): void {
    this.#state = { kind: 'head', sent, held };
  }

  #begin(sent: SentRequest, head: ResponseHead, bytes: Buffer, from: number, to: number): void {
    if (head.status === 101) {
      this.#state = GONE;
      sent.listener.onUpgrade(head, this.wire, part(bytes, from, to));
      return;
    }
    const body = createBodyFollower(head.framing);
    const state = { kind: 'body', sent, body, keepsAlive: head.keepsAlive } as const;
    this.#state = state;
    const end = body.follow(bytes, from, to);
    if (end < 0) return this.#refuse(sent);
    sent.listener.onHead(head, part(bytes, from, end));
    this.#finishIfDone(state, end === to);
  }

  #readBody(state: State & { kind: 'body' }, bytes: Buffer, length: number): void {
    const { body, sent } = state;
    const end = body.follow(bytes, 0, length);
    if (end < 0) {
      this.abandon();
      return sent.listener.onCut();
    }
    if (end > 0) sent.listener.onBody(bytes.subarray(0, end));
    this.#finishIfDone(state, end === length);
  }

  /** `isExact` = nothing came after the answer: what does can't be told from the next one. */
  #finishIfDone(state: State & { kind: 'body' }, isExact: boolean): void {
    // The listener may have ended it: a busy container's answer is of no use.
    if (this.#state !== state || !state.body.isDone) return;
    const isReusable = state.keepsAlive && isExact;
    this.#state = isReusable ? IDLE : GONE;
    // A client that was too slow may have paused it; the next one is not to wait for that.
    if (isReusable) this.wire.resume();
    else this.wire.destroy();
    state.sent.listener.onComplete();
  }

  #refuse(sent: SentRequest): void {
    this.abandon();
    sent.listener.onFailure('broken');
  }
}

function part(bytes: Buffer, from: number, to: number): Buffer {
  return from === to ? NOTHING : bytes.subarray(from, to);
}
