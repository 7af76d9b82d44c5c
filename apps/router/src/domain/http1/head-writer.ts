/** Room for almost every head and the part of a body that goes with it. */
const ROOM_BYTES = 32 * 1024;

/** Up to so many are written sooner one by one than by a call that writes them all. */
const FEW_BYTES = 16;

/** What Node has for strings of one byte a character; `write` does the same in the end, and looks at its arguments for as long before. */
type Bytes = Buffer & { latin1Write(text: string, at: number): number };

export interface HeadReceiver {
  /** What it is given need not stay as it is. */
  readonly copies: boolean;
  /** False when not all has gone: the bytes must stay as they are, unless it copies. */
  write(bytes: Buffer): boolean;
}

/**
 * Writes one head after the other into the same bytes: what is written is sent before the next one begins. A text made of
 * parts costs more, because Node joins and copies it before it is sent.
 */
class HeadWriter {
  #bytes = roomFor(ROOM_BYTES);
  #at = 0;

  /** Nothing is left of a head that was never sent. */
  begin(): void {
    this.#at = 0;
  }

  /** A character for each byte. */
  text(text: string): void {
    const { length } = text;
    const at = this.#take(length);
    if (length > FEW_BYTES) this.#bytes.latin1Write(text, at);
    else for (let i = 0; i < length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }

  part(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    const at = this.#take(length);
    if (length > FEW_BYTES) bytes.copy(this.#bytes, at, from, to);
    else for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[from + i] ?? 0;
  }

  whole(bytes: Buffer): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Sends all that was written since `begin`. */
  sendTo(receiver: HeadReceiver): boolean {
    const { copies } = receiver;
    const isThrough = receiver.write(this.#bytes.subarray(0, this.#at));
    // What one large head needed others do not.
    if (!(isThrough || copies) || this.#bytes.length > ROOM_BYTES) this.#bytes = roomFor(ROOM_BYTES);
    return isThrough;
  }

  /** The place of so many more bytes. */
  #take(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) this.#grow(at);
    return at;
  }

  #grow(written: number): void {
    const larger = roomFor(2 * this.#at);
    this.#bytes.copy(larger, 0, 0, written);
    this.#bytes = larger;
  }
}

/** The one of this thread. */
export const heads = new HeadWriter();

function roomFor(count: number): Bytes {
  return Buffer.allocUnsafeSlow(count) as Bytes;
}
