import type { Socket } from 'node:net';

/** What a socket has received and nobody has taken yet. */
export class ByteReader {
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  #held = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('data', (data) => {
      this.#held = Buffer.concat([this.#held, data]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      };
      socket.once('end', end).once('close', end).on('error', end);
    });
  }

  /** A line without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n');
      if (end >= 0) return this.#take(end + 2).toString('latin1', 0, end);
      await this.#more();
    }
  }

  async exactly(length: number): Promise<Buffer> {
    while (this.#held.length < length) await this.#more();
    return this.#take(length);
  }

  /** Whatever is there; waits for at least one byte. */
  async some(): Promise<Buffer> {
    while (this.#held.length === 0) await this.#more();
    return this.#take(this.#held.length);
  }

  async untilClosed(): Promise<Buffer> {
    await this.closed;
    return this.#take(this.#held.length);
  }

  /** A body in the chunked coding. */
  async chunked(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.line(), 16);
      if (size === 0) break;
      parts.push(await this.exactly(size));
      await this.line();
    }
    while ((await this.line()) !== '');
    return Buffer.concat(parts);
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#held.toString('latin1'))}`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
