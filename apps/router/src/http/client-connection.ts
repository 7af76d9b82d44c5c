import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Answer, answers } from '../domain/answers.ts';
import { type ClientHeadOptions, upgradeHead, writeClientHead } from '../domain/client-head.ts';
import { type ClientLines, clientLines } from '../domain/container-head.ts';
import { type BodyFollower, createBodyFollower } from '../domain/http1/body-follower.ts';
import { hasEmptyLine } from '../domain/http1/fields.ts';
import { heads } from '../domain/http1/head-writer.ts';
import { readRequestHead } from '../domain/http1/request-head.ts';
import { badCharacter } from '../domain/http1/request-line.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import { prefaceOf } from '../domain/http2/preface.ts';
import type { Timer } from '../domain/timer-wheel.ts';
import type { Surroundings } from '../surroundings.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import { connectTunnel } from './tunnel.ts';
import { acceptedWire, type SocketWire, secureWire, type Wire, type WireListener } from './wire.ts';
import { answerBytes } from './write-answer.ts';

type State =
  /** Between requests: no byte of the next one has come. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'head' }
  | { readonly kind: 'exchange'; readonly exchange: Exchange }
  | { readonly kind: 'tunnel'; readonly listener: WireListener }
  /** It has turned out to speak HTTP/2, which reads and writes the socket from then on. */
  | { readonly kind: 'http2'; readonly connection: Http2Connection }
  /** The last answer is out; what still comes is read over, so that the client sees it rather than a reset. */
  | { readonly kind: 'closing' }
  | { readonly kind: 'gone' };

/** How long what still comes is read over. */
const LINGER_MS = 2_000;
/** Clients may send this much ahead of the answers they wait for. */
const AHEAD_BYTES_MAX = 64 * 1024;
/** A head goes out in one write with this much of its body. */
const TOGETHER_BYTES_MAX = 16 * 1024;

const [LF, CR] = [0x0a, 0x0d];

const IDLE: State = { kind: 'idle' };
const HEAD: State = { kind: 'head' };
const CLOSING: State = { kind: 'closing' };
const GONE: State = { kind: 'gone' };

/** One connection of a client, with one request after the other. */
export class ClientConnection implements WireListener, ExchangeClient {
  readonly wire: SocketWire;
  readonly lines: ClientLines;
  readonly #around: Surroundings;
  readonly #onGone: (connection: ClientConnection) => void;
  #state = IDLE;
  /** Of the states in which the client must do something soon: before and in a head, and after the last answer. */
  readonly #timer: Timer;
  /** Bytes that have come and were not understood yet. */
  #held: Buffer | undefined;
  #isStopping = false;
  /** What is held is being read; whoever ends an exchange meanwhile need not go on with it. */
  #isReading = false;
  /** The first half of an empty line has come, before a request. */
  #isInLineEnd = false;
  /** For a client that does not know the chunked coding. */
  #dechunker: BodyFollower | undefined;
  /** The client's kernel has taken all that was written. */
  #isThrough = true;

  constructor(accepted: Socket, around: Surroundings, onGone: (connection: ClientConnection) => void) {
    const { remoteAddress = '', remotePort = 0 } = accepted;
    const address = `${remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress}:${remotePort}`;
    this.lines = clientLines(address, isSecure(accepted) ? 'https' : 'http');
    this.#around = around;
    this.#onGone = onGone;
    this.#timer = around.timers.timer(() => this.#expire());
    this.#timer.start(around.limits.idleTimeoutMs);
    this.wire = isSecure(accepted) ? secureWire(accepted, this) : acceptedWire(accepted, this);
    if (isSecure(accepted) && accepted.alpnProtocol === 'h2') this.#becomeHttp2(Buffer.alloc(0));
  }

  /** Ends the connection as soon as it has nothing to answer. */
  stop(): void {
    this.#isStopping = true;
    if (this.#state.kind === 'http2') this.#state.connection.stop();
    else if (this.#state.kind === 'idle') this.#close();
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  onBytes(bytes: Buffer, length: number): void {
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
      case 'head':
        return this.#readHead(bytes, length);
      case 'exchange': {
        const end = state.exchange.takeBody(bytes, 0, length);
        if (end >= 0 && end < length) this.#hold(bytes, end, length);
        return;
      }
      case 'tunnel':
        return state.listener.onBytes(bytes, length);
      default:
    }
  }

  onDrain(): void {
    this.#isThrough = true;
    if (this.#state.kind === 'exchange') this.#state.exchange.onClientDrain();
    else if (this.#state.kind === 'tunnel') this.#state.listener.onDrain();
    else if (this.#state.kind === 'idle') this.#readOn();
  }

  onEnd(): void {
    if (this.#state.kind === 'tunnel') return this.#state.listener.onEnd();
    // A client that sends no more has left: waiting for its answer to fail would keep a container busy.
    this.wire.destroy();
  }

  onClose(): void {
    const state = this.#state;
    this.#state = GONE;
    this.#timer.cancel();
    if (state.kind === 'exchange') state.exchange.abandon();
    else if (state.kind === 'tunnel') state.listener.onClose();
    this.#onGone(this);
  }

  pause(keeping: boolean): void {
    if (keeping) this.wire.keepBytes();
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  sendInterim(text: string): void {
    this.wire.writeText(text);
  }

  sendHead(head: ResponseHead, options: ClientHeadOptions, body: Buffer): boolean {
    if (options.isHttp10 && head.framing.kind === 'chunked')
      this.#dechunker = createBodyFollower(head.framing, (bytes, from, to) => {
        this.#isThrough = this.wire.write(bytes.subarray(from, to));
      });
    writeClientHead(head, options);
    const isTogether = !this.#dechunker && body.length <= TOGETHER_BYTES_MAX;
    if (isTogether && body.length > 0) heads.whole(body);
    this.#isThrough = heads.sendTo(this.wire);
    return isTogether ? this.#isThrough : this.sendBody(body);
  }

  sendBody(bytes: Buffer): boolean {
    if (this.#dechunker) this.#dechunker.follow(bytes, 0, bytes.length);
    else this.#isThrough = this.wire.write(bytes);
    return this.#isThrough;
  }

  sendAnswer(answer: Answer, closes: boolean, isHead: boolean): void {
    this.#isThrough = this.wire.write(answerBytes(answer, closes, isHead));
  }

  end(closes: boolean): void {
    if (this.#state.kind !== 'exchange') return;
    if (closes || this.#isStopping) return this.#close();
    this.#state = IDLE;
    this.#timer.start(this.#around.limits.idleTimeoutMs);
    // Who does not read its answers is not asked for more requests.
    if (this.#isThrough) this.#readOn();
    else this.wire.pause();
  }

  cut(): void {
    this.wire.destroy();
  }

  becomeTunnel(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void {
    const ends = connectTunnel(this.wire, container, head, onOver);
    this.#state = { kind: 'tunnel', listener: ends.client };
    this.wire.writeText(upgradeHead(head));
    if (early.length > 0) ends.container.onBytes(early, early.length);
    const held = this.#held;
    this.#held = undefined;
    this.wire.resume();
    if (held) ends.client.onBytes(held, held.length);
  }

  /** The client has not done in time what its state asks for. */
  #expire(): void {
    if (this.#state.kind === 'idle') this.#close();
    else if (this.#state.kind === 'head') this.#refuse(answers.slowClient);
    else this.wire.destroy();
  }

  #close(): void {
    this.#state = CLOSING;
    this.#timer.start(LINGER_MS);
    this.#held = undefined;
    this.wire.end();
    this.wire.resume();
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    const fresh = bytes.subarray(from, to);
    this.#held = this.#held ? Buffer.concat([this.#held, fresh]) : Buffer.from(fresh);
    if (this.#state.kind === 'exchange' && this.#held.length > AHEAD_BYTES_MAX) this.wire.pause();
  }

  /** Also of requests that came ahead, as long as each is answered at once. A loop: thousands fit into what is held. */
  #readOn(): void {
    this.wire.resume();
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#held && this.#state.kind === 'idle' && this.#isThrough) {
      const held = this.#held;
      this.#held = undefined;
      this.#readHead(held, held.length);
    }
    this.#isReading = false;
  }

  #readHead(fresh: Buffer, length: number): void {
    if (this.#held && !this.#hasHead(this.#held.length, fresh, length)) return;
    const bytes = this.#held ?? fresh;
    const to = this.#held ? bytes.length : length;
    if (this.#isInLineEnd && bytes[0] !== LF) return this.#refuse(answers.badRequest(badCharacter.why));
    const start = leadingLineEnds(bytes, this.#isInLineEnd ? 1 : 0, to);
    this.#isInLineEnd = to - start === 1 && bytes[start] === CR;
    if (start === to || this.#isInLineEnd) return;
    const preface = start === 0 ? prefaceOf(bytes, to) : 'none';
    if (preface === 'whole') return this.#becomeHttp2(bytes.subarray(0, to));
    const read = readRequestHead(bytes, start, Math.min(to, start + this.#around.limits.headerBytesMax));
    if (preface === 'part' || read.kind === 'unfinished') return this.#await(bytes, start, to);
    if (read.kind === 'malformed') return this.#refuse({ ...answers.badRequest(read.why), status: read.status });
    this.#timer.cancel();
    this.#held = undefined;
    const exchange = new Exchange(this.#around, this, read.head);
    this.#state = { kind: 'exchange', exchange };
    const bodyEnd = exchange.takeBody(bytes, read.end, to);
    if (bodyEnd >= 0 && bodyEnd < to) this.#hold(bytes, bodyEnd, to);
    exchange.start();
  }

  /** Adds to what is held; whether that may be a head by now. Only what has not been looked at before is searched. */
  #hasHead(heldBytes: number, fresh: Buffer, length: number): boolean {
    this.#hold(fresh, 0, length);
    const held = this.#held ?? fresh;
    if (hasEmptyLine(held, heldBytes)) return true;
    return held.length >= this.#around.limits.headerBytesMax;
  }

  /** The rest of a head must follow soon, and not be too long. */
  #await(bytes: Buffer, start: number, to: number): void {
    this.#begin();
    if (to - start >= this.#around.limits.headerBytesMax) return this.#refuse(answers.headTooLarge);
    if (!this.#held) this.#hold(bytes, start, to);
  }

  /** The first byte of a head has come: the rest must follow soon. */
  #begin(): void {
    if (this.#state.kind !== 'idle') return;
    this.#timer.start(this.#around.limits.headTimeoutMs);
    this.#state = HEAD;
  }

  /** What has come goes to HTTP/2, from the preface on. */
  #becomeHttp2(bytes: Buffer): void {
    this.#timer.cancel();
    const socket = this.wire.giveBack(bytes);
    const connection = new Http2Connection(socket, this.#around, this.lines);
    this.#state = { kind: 'http2', connection };
    this.#held = undefined;
    if (this.#isStopping) connection.stop();
  }

  #refuse(answer: Answer): void {
    this.wire.write(answerBytes(answer, true, false));
    this.#close();
  }
}

/** By its property, since node:tls is only loaded where there is a certificate. */
function isSecure(socket: Socket): socket is TLSSocket {
  return 'encrypted' in socket;
}

/** Where the empty lines before a request end: they are read over (RFC 9112 section 2.2). */
function leadingLineEnds(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at + 1 < to && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}
