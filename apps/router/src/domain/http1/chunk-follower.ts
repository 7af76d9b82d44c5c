import type { BodyFollower, OnContent } from './body-follower.ts';
import { isTokenByte } from './fields.ts';

/** More digits than any size that can be counted exactly needs. */
const SIZE_DIGITS_MAX = 12;
/** Chunk extensions and trailers are read over; this many bytes of them at most. */
const ASIDE_BYTES_MAX = 16 * 1024;

const [CR, LF, SEMICOLON, COLON] = [0x0d, 0x0a, 0x3b, 0x3a];
const [EQUALS, QUOTE, BACKSLASH] = [0x3d, 0x22, 0x5c];

/** What decides over framing or routing comes before the body or not at all (RFC 9110 section 6.5.1). */
const forbiddenTrailers: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'connection',
  'trailer',
  'te',
]);

type State =
  /** The digits of a chunk's size. */
  | 'size'
  /** `;name`, `;name=token` or `;name="quoted"` behind the size; read over. */
  | 'extension-name'
  | 'extension-value'
  | 'extension-quoted'
  | 'extension-end'
  | 'size-lf'
  | 'content'
  | 'content-cr'
  | 'content-lf'
  /** The start of a trailer line, or of the empty line that ends the body. */
  | 'trailer-start'
  | 'trailer-name'
  | 'trailer-value'
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
  /** The byte before, in an extension. */
  #previous = SEMICOLON;
  /** Of a trailer, as far as it has come. */
  #name = '';
  #trailers = '';

  constructor(onContent?: OnContent) {
    this.#onContent = onContent;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  get announcedBytes(): number {
    return this.#contentBytes + this.#left;
  }

  /** The trailer lines so far, each with its CRLF. */
  get trailers(): string {
    return this.#trailers;
  }

  follow(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && this.#state !== 'done') {
      if (this.#state === 'content') at = this.#content(bytes, at, to);
      else {
        const byte = bytes[at] ?? 0;
        const before = this.#state;
        this.#state = this.#step(byte);
        if (before.startsWith('trailer') && this.#state !== 'last-lf') this.#trailers += String.fromCharCode(byte);
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
      case 'extension-name':
      case 'extension-value':
      case 'extension-quoted':
      case 'extension-end':
        return this.#extension(byte, this.#state);
      case 'size-lf':
        if (byte !== LF) return 'malformed';
        return this.#left === 0 ? 'trailer-start' : 'content';
      case 'content-cr':
        return byte === CR ? 'content-lf' : 'malformed';
      case 'content-lf':
        this.#digits = 0;
        return byte === LF ? 'size' : 'malformed';
      case 'trailer-start':
        this.#name = '';
        return byte === CR ? 'last-lf' : this.#trailerName(byte);
      case 'trailer-name':
        return this.#trailerName(byte);
      case 'trailer-value':
        return byte === CR ? 'trailer-lf' : this.#beside(byte, 'trailer-value');
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
    this.#previous = SEMICOLON;
    return byte === SEMICOLON ? this.#beside(byte, 'extension-name') : 'malformed';
  }

  #trailerName(byte: number): State {
    if (byte === COLON && this.#name !== '') return forbiddenTrailers.has(this.#name) ? 'malformed' : 'trailer-value';
    this.#name += String.fromCharCode(byte).toLowerCase();
    return this.#token(byte, 'trailer-name');
  }

  #extension(byte: number, state: State): State {
    const before = this.#previous;
    this.#previous = byte;
    if (state === 'extension-quoted')
      return this.#beside(byte, byte === QUOTE && before !== BACKSLASH ? 'extension-end' : state);
    if (byte === CR) return before === SEMICOLON || before === EQUALS ? 'malformed' : 'size-lf';
    if (byte === SEMICOLON) return before === SEMICOLON ? 'malformed' : this.#beside(byte, 'extension-name');
    if (state === 'extension-end') return 'malformed';
    if (state === 'extension-name' && byte === EQUALS)
      return before === SEMICOLON ? 'malformed' : this.#beside(byte, 'extension-value');
    if (state === 'extension-value' && before === EQUALS && byte === QUOTE)
      return this.#beside(byte, 'extension-quoted');
    return this.#token(byte, state);
  }

  #token(byte: number, next: State): State {
    return isTokenByte(byte) ? this.#beside(byte, next) : 'malformed';
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
