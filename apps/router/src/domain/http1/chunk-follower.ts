import type { BodyFollower, OnContent } from './body-follower.ts';

/** More digits than any size that can be counted exactly needs. */
const SIZE_DIGITS_MAX = 12;
/** Chunk extensions and trailers are read over; this many bytes of them at most. */
const ASIDE_BYTES_MAX = 16 * 1024;

const [CR, LF, SEMICOLON] = [0x0d, 0x0a, 0x3b];

type State =
  /** The digits of a chunk's size. */
  | 'size'
  | 'extension'
  | 'size-lf'
  | 'content'
  | 'content-cr'
  | 'content-lf'
  /** The start of a trailer line, or of the empty line that ends the body. */
  | 'trailer-start'
  | 'trailer'
  | 'trailer-lf'
  | 'last-lf'
  | 'done'
  | 'malformed';

/** Follows the chunked coding (RFC 9112 section 7.1) strictly; a line ends with CRLF and nothing else. */
export class ChunkFollower implements BodyFollower {
  readonly endsWithClose = false;
  readonly #onContent: OnContent | undefined;
  #state: State = 'size';
  #contentBytes = 0;
  /** Of the content of this chunk. */
  #left = 0;
  #digits = 0;
  #aside = 0;

  constructor(onContent?: OnContent) {
    this.#onContent = onContent;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  get contentBytes(): number {
    return this.#contentBytes;
  }

  follow(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && this.#state !== 'done') {
      if (this.#state === 'content') at = this.#content(bytes, at, to);
      else {
        this.#state = this.#step(bytes[at] ?? 0);
        at += 1;
        if (this.#state === 'malformed') return -1;
      }
    }
    return at;
  }

  #content(bytes: Buffer, from: number, to: number): number {
    const end = from + Math.min(this.#left, to - from);
    this.#onContent?.(bytes, from, end);
    this.#left -= end - from;
    this.#contentBytes += end - from;
    if (this.#left === 0) this.#state = 'content-cr';
    return end;
  }

  /** One byte of what frames the content. */
  #step(byte: number): State {
    switch (this.#state) {
      case 'size':
        return this.#size(byte);
      case 'extension':
        return byte === CR ? 'size-lf' : this.#beside(byte, 'extension');
      case 'size-lf':
        if (byte !== LF) return 'malformed';
        return this.#left === 0 ? 'trailer-start' : 'content';
      case 'content-cr':
        return byte === CR ? 'content-lf' : 'malformed';
      case 'content-lf':
        this.#digits = 0;
        return byte === LF ? 'size' : 'malformed';
      case 'trailer-start':
        return byte === CR ? 'last-lf' : this.#beside(byte, 'trailer');
      case 'trailer':
        return byte === CR ? 'trailer-lf' : this.#beside(byte, 'trailer');
      case 'trailer-lf':
        return byte === LF ? 'trailer-start' : 'malformed';
      case 'last-lf':
        return byte === LF ? 'done' : 'malformed';
      default:
        return this.#state;
    }
  }

  #size(byte: number): State {
    const value = hexValue(byte);
    if (value >= 0) {
      this.#digits += 1;
      this.#left = this.#left * 16 + value;
      return this.#digits > SIZE_DIGITS_MAX ? 'malformed' : 'size';
    }
    if (this.#digits === 0) return 'malformed';
    if (byte === CR) return 'size-lf';
    return byte === SEMICOLON ? 'extension' : 'malformed';
  }

  #beside(byte: number, next: State): State {
    this.#aside += 1;
    const isControl = (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
    return isControl || this.#aside > ASIDE_BYTES_MAX ? 'malformed' : next;
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
