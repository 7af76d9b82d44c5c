import type { Socket } from 'node:net';
import process from 'node:process';

/** What node:net itself writes to and reads from: libuv's stream under a socket. Not documented, so looked at before it is used. */
interface Handle {
  /** Called after a read; gives the buffer for the next one if that is another. */
  onread: (this: Handle, buffer: ArrayBuffer | undefined) => unknown;
  /** Kept by node:net: whether it reads. */
  reading: boolean;
  /** These give 0, or the number of an error of libuv. */
  readStart(): number;
  readStop(): number;
  /** From now on it reads into this. */
  useUserBuffer(buffer: Buffer): void;
  /** These two do, too. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  writeLatin1String(request: WriteRequest, text: string): number;
}

/** Of a write that the kernel has not taken whole; it must be kept until it is complete. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** What is still being read from. */
  buffer?: Buffer | undefined;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** Where the last read and the last write say what became of them, at the places below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** What hears of a handle. */
export interface HandleListener {
  /** So many bytes are in the buffer that is read into. Gives another one if the next read must go there. */
  onRead(length: number): Buffer | undefined;
  /** All that was written is with the kernel. */
  onWritten(): void;
  /** Nothing can be written any more. */
  onFailure(): void;
}

const binding = streamBinding();
/** Used by every write that completes at once; one that does not keeps it, and the next ones get another. */
let request = binding && new binding.WriteWrap();

/**
 * Bytes to and from the kernel without Node's streams in between, which cost a small request as much as its parsing: they make
 * objects for each write, and run callbacks for each read. The socket keeps what is rare: connecting, ends and errors.
 */
export class DirectHandle {
  readonly #handle: Handle;
  readonly #listener: HandleListener;
  readonly #binding: StreamBinding;
  readonly #onread: Handle['onread'];
  #pending = 0;

  constructor(handle: Handle, stream: StreamBinding, listener: HandleListener) {
    const { onread } = handle;
    const { streamBaseState, kReadBytesOrError } = stream;
    this.#handle = handle;
    this.#binding = stream;
    this.#listener = listener;
    this.#onread = onread;
    handle.onread = function read(buffer): unknown {
      const length = streamBaseState[kReadBytesOrError] ?? 0;
      // An end or an error is for the socket.
      return length > 0 ? listener.onRead(length) : onread.call(this, buffer);
    };
  }

  /** Of a socket that was not made to read into a buffer. */
  readInto(buffer: Buffer): void {
    this.#handle.useUserBuffer(buffer);
  }

  pause(): void {
    this.#handle.reading = false;
    this.#handle.readStop();
  }

  resume(): void {
    this.#handle.reading = true;
    if (this.#handle.readStart() !== 0) this.#listener.onFailure();
  }

  /** False when the kernel has not taken it all: `onWritten` follows. */
  write(bytes: Buffer): boolean {
    return this.#isThrough(this.#handle.writeBuffer(request as WriteRequest, bytes), bytes);
  }

  /** The same for text of one byte a character. */
  writeText(text: string): boolean {
    return this.#isThrough(this.#handle.writeLatin1String(request as WriteRequest, text), undefined);
  }

  /** Whoever has the socket from now on reads for themselves. */
  release(): void {
    this.pause();
    this.#handle.onread = this.#onread;
  }

  #isThrough(error: number, buffer: Buffer | undefined): boolean {
    const { streamBaseState, kLastWriteWasAsync, WriteWrap } = this.#binding;
    if (error !== 0) {
      this.#listener.onFailure();
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return this.#pending === 0;
    this.#pending += 1;
    Object.assign(request as WriteRequest, { buffer, oncomplete: (status: number) => this.#onComplete(status) });
    request = new WriteWrap();
    return false;
  }

  #onComplete(status: number): void {
    this.#pending -= 1;
    if (status < 0) this.#listener.onFailure();
    else if (this.#pending === 0) this.#listener.onWritten();
  }
}

/** Of a socket that is connected. Undefined when this is not the Node that it was written for: then the socket does it all. */
export function directHandleOf(socket: Socket, listener: HandleListener): DirectHandle | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: unknown };
  return binding && isHandle(handle) ? new DirectHandle(handle, binding, listener) : undefined;
}

function isHandle(handle: unknown): handle is Handle {
  const { onread, readStart, readStop, useUserBuffer, writeBuffer, writeLatin1String } = (handle ??
    {}) as Partial<Handle>;
  const parts = [onread, readStart, readStop, useUserBuffer, writeBuffer, writeLatin1String];
  return parts.every((part) => typeof part === 'function');
}

function streamBinding(): StreamBinding | undefined {
  const { binding: load } = process as unknown as { readonly binding?: (name: string) => Partial<StreamBinding> };
  try {
    const { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = load?.('stream_wrap') ?? {};
    if (!WriteWrap || !streamBaseState || kReadBytesOrError === undefined || kLastWriteWasAsync === undefined)
      return undefined;
    return { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync };
  } catch {
    return undefined;
  }
}
