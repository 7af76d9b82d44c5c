import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type DirectHandle, directHandleOf } from './direct-handle.ts';

/** What hears of a wire's bytes and its end. */
export interface WireListener {
  /** The first `length` bytes are new; they are overwritten when this returns, so what is kept must be copied. */
  onBytes(bytes: Buffer, length: number): void;
  /** Everything that was written is with the kernel. */
  onDrain(): void;
  /** The other side sends no more. */
  onEnd(): void;
  /** Nothing more comes or goes. */
  onClose(): void;
}

/** Large enough for almost every head; a wire that streams gets the larger one. */
const READ_BYTES = 16 * 1024;
const STREAM_READ_BYTES = 64 * 1024;

/** Buffers of wires that have closed, for the next ones: new ones for each would keep the garbage collector busy. */
const spare: Buffer[] = [];
/** 4 MiB in each thread. */
const SPARE_MAX = 256;
const NOTHING = Buffer.alloc(0);

/** What a wire begins as. */
type Link = 'connecting' | 'connected' | 'secure';

/** What carries the bytes of one connection. */
export interface Wire {
  /** Whether it has ever been connected: before that nothing has been sent. */
  readonly isConnected: boolean;
  readonly isDestroyed: boolean;
  listener: WireListener;
  /** What is written just now need not stay as it is. */
  readonly copies: boolean;
  /** False when not all of it has gone: `onDrain` follows, and until then the writer should pause. */
  write(bytes: Buffer): boolean;
  /** The same for text of one byte a character. */
  writeText(text: string): boolean;
  /** The bytes that are heard just now are still on their way somewhere: the next ones go to another buffer. */
  keepBytes(): void;
  pause(): void;
  resume(): void;
  /** Sends no more; what was written still goes. */
  end(): void;
  destroy(): void;
}

/** A socket that reads into one buffer again and again. */
export class SocketWire implements Wire {
  readonly #socket: Socket;
  #buffer: Buffer;
  /** What it holds is still needed. */
  #isBufferKept = false;
  #listener: WireListener;
  #isConnected: boolean;
  readonly #isSecure: boolean;
  /** How bytes go once the socket is connected and has nothing to write itself; without it they go through the socket. */
  #direct: DirectHandle | undefined;
  /** The kernel has not taken everything yet. */
  #isFull = false;
  #isPaused: boolean;
  /** Somebody else has the socket, and what reads into the buffer with it. */
  #isGivenBack = false;

  /** `open` makes the socket, with the options given if it is to connect. */
  constructor(listener: WireListener, open: (options: object) => Socket, link: Link) {
    this.#listener = listener;
    this.#isConnected = link !== 'connecting';
    this.#isSecure = link === 'secure';
    // Under TLS the bytes that are read are new ones each time.
    this.#buffer = this.#isSecure ? NOTHING : (spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES));
    // What was accepted does not flow before the first `resume`.
    this.#isPaused = link === 'connected';
    this.#socket = open({
      allowHalfOpen: true,
      // Every write that the kernel does not take whole is followed by a drain; one that was accepted lets some KiB wait.
      writableHighWaterMark: 1,
      onread: {
        buffer: () => this.#buffer,
        callback: (length: number) => {
          this.#hear(length);
          return true;
        },
      },
    });
    this.#socket
      .once('connect', () => {
        this.#isConnected = true;
        this.#beDirect();
      })
      .on('drain', () => this.#onDrain())
      .once('end', () => this.#listener.onEnd())
      .once('close', () => this.#onClose())
      // The close that follows says it.
      .on('error', () => undefined);
    this.#socket.setNoDelay(true);
    if (link === 'connected') this.#beginAccepted();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** The socket may keep for a while what it is given, and say that all has gone: that is never the caller's. */
  get copies(): boolean {
    return !this.#direct;
  }

  get listener(): WireListener {
    return this.#listener;
  }

  set listener(listener: WireListener) {
    this.#listener = listener;
  }

  /** Node offers the reused buffer for sockets that connect, not for those it accepts: it goes to the handle. */
  #beginAccepted(): void {
    this.#beDirect();
    if (this.#direct) this.#direct.readInto(this.#buffer);
    else this.#socket.on('data', (bytes) => this.take(bytes));
  }

  /** From now on, unless something waits in the socket. */
  #beDirect(): void {
    if (this.#direct || this.#isSecure || this.#socket.writableLength > 0 || this.#socket.writableEnded) return;
    this.#direct = directHandleOf(this.#socket, {
      onRead: (length) => this.#hear(length),
      onWritten: () => this.#listener.onDrain(),
      onFailure: () => this.destroy(),
    });
  }

  /** Nothing more is read. A buffer that somebody still needs is not the one that is here: see `keepBytes`. */
  #onClose(): void {
    if (this.#buffer.length === READ_BYTES && spare.length < SPARE_MAX && !this.#isGivenBack) spare.push(this.#buffer);
    this.#listener.onClose();
  }

  /** The next read goes to the buffer that is there when this returns, and at no other time to another one. */
  #hear(length: number): Buffer | undefined {
    this.#isBufferKept = false;
    this.#listener.onBytes(this.#buffer, length);
    if (!this.#isBufferKept) return undefined;
    this.#buffer = Buffer.allocUnsafeSlow(STREAM_READ_BYTES);
    return this.#buffer;
  }

  write(bytes: Buffer): boolean {
    if (this.#direct) return this.#direct.write(bytes);
    this.#socket.write(Buffer.from(bytes));
    return this.#isThrough();
  }

  writeText(text: string): boolean {
    if (this.#direct) return this.#direct.writeText(text);
    this.#socket.write(text, 'latin1');
    return this.#isThrough();
  }

  #isThrough(): boolean {
    this.#isFull = this.#socket.writableLength >= this.#socket.writableHighWaterMark;
    return !this.#isFull;
  }

  #onDrain(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#beDirect();
    this.#listener.onDrain();
  }

  keepBytes(): void {
    this.#isBufferKept = true;
  }

  /** Bytes that the socket has read for itself. */
  take(bytes: Buffer): void {
    this.#listener.onBytes(bytes, bytes.length);
  }

  /** The socket, for whoever reads and writes it from now on: `bytes` are read first. Its end and close are still heard here. */
  giveBack(bytes: Buffer): Socket {
    this.#direct?.release();
    this.#direct = undefined;
    this.#isGivenBack = true;
    this.#socket.pause().removeAllListeners('data');
    if (bytes.length > 0) this.#socket.unshift(Buffer.from(bytes));
    return this.#socket;
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#direct) this.#direct.pause();
    else this.#socket.pause();
  }

  /** Asked after every request: of one that was not paused Node need not hear. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#direct) this.#direct.resume();
    else this.#socket.resume();
  }

  end(): void {
    // What was written directly and has not gone yet goes before the end: both are in the same line.
    this.#socket.end();
  }

  destroy(): void {
    this.#direct = undefined;
    this.#socket.destroy();
  }
}

/** A connection under TLS: the bytes it reads are new ones each time. */
export function secureWire(accepted: TLSSocket, listener: WireListener): SocketWire {
  const wire = new SocketWire(listener, () => accepted, 'secure');
  accepted.on('data', (bytes) => wire.take(bytes));
  return wire;
}

/** Takes over a connection that a server has accepted with `pauseOnConnect`. */
export function acceptedWire(accepted: Socket, listener: WireListener): SocketWire {
  const wire = new SocketWire(listener, () => accepted, 'connected');
  wire.resume();
  return wire;
}
