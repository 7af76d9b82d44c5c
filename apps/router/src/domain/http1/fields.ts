import { isSpelledAt, type KnownName, knownNameIn } from './known-names.ts';

/** What was read of a head. Reused: valid until the next one is read, and while its bytes are what they were. */
export interface Fields {
  /** The head from its first byte to its empty line; made when it is asked for. */
  readonly text: string;
  readonly count: number;
  /** The name of the line at `i`, in the order in which they came, if it is one that the router heeds. */
  heeded(i: number): KnownName | undefined;
  /** In lower case. */
  name(i: number): string;
  /** Without the spaces around it. */
  value(i: number): string;
  /** The value, if it is a whole number. */
  number(i: number): number | undefined;
  /** Whether the value is this word of small letters and dashes, in letters of either size. */
  says(i: number, word: Uint8Array): boolean;
  /** All lines as they were written, but those that `drops` names; with the first line of the head or without. */
  textWithout(drops: (i: number) => boolean, withFirstLine: boolean): string;
  /**
   * The same, moved together where they are, before the empty line: gives the place in the bytes where they begin. Nothing
   * more of the head can be read then.
   */
  joinWithout(drops: (i: number) => boolean): number;
}

/** Where a head ends, or why that is not known. */
export type HeadEnd = number;
/** More bytes are needed. */
export const UNFINISHED: HeadEnd = -1;
/** A line that is not "name: value". */
export const BAD_LINE: HeadEnd = -2;
/** A control character, or a CR or LF that is alone: what parsers read in different ways (RFC 9112 section 2.2). */
export const BAD_CHARACTER: HeadEnd = -3;

const [TAB, LF, CR, SPACE, COLON, DELETE] = [0x09, 0x0a, 0x0d, 0x20, 0x3a, 0x7f];
/** What ends a head. */
const EMPTY_LINE = '\r\n\r\n';
const ZERO = 0x30;
const NOTHING = Buffer.alloc(0);
/** Any number of so many digits is exact. */
const DIGITS_MAX = 15;

const NONE: ReadonlySet<string> = new Set();
const KEEP_ALIVE: ReadonlySet<string> = new Set(['keep-alive']);
const CLOSE: ReadonlySet<string> = new Set(['close']);
const tokens = tableOf((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));

/** One header line; all places are in the bytes of its head. */
interface FieldLine {
  from: number;
  /** Of the colon. */
  nameEnd: number;
  valueFrom: number;
  valueEnd: number;
  name: KnownName | undefined;
}

/** The lines of one head after the other; their objects are made once. */
class HeadFields implements Fields {
  count = 0;
  #bytes: Buffer = NOTHING;
  /** Of the head in its bytes. */
  #head = 0;
  /** Just past the head. */
  #headEnd = 0;
  /** Where the lines begin and end. */
  #from = 0;
  #end = 0;
  #text: string | undefined;
  readonly #lines: FieldLine[] = [];

  /** So many lines have been read, and are those of this head. */
  become(bytes: Buffer, head: number, headEnd: number, from: number, end: number, count: number): void {
    this.#bytes = bytes;
    this.#head = head;
    this.#headEnd = headEnd;
    this.#from = from;
    this.#end = end;
    this.#text = undefined;
    this.count = count;
  }

  get text(): string {
    this.#text ??= textOf(this.#bytes, this.#head, this.#headEnd);
    return this.#text;
  }

  line(i: number): FieldLine {
    const line = this.#lines[i];
    if (line) return line;
    const added = { from: 0, nameEnd: 0, valueFrom: 0, valueEnd: 0, name: undefined };
    this.#lines[i] = added;
    return added;
  }

  heeded(i: number): KnownName | undefined {
    return this.line(i).name;
  }

  value(i: number): string {
    const { valueFrom, valueEnd } = this.line(i);
    return this.text.slice(valueFrom - this.#head, valueEnd - this.#head);
  }

  name(i: number): string {
    const { from, nameEnd, name } = this.line(i);
    return name?.text || this.text.slice(from - this.#head, nameEnd - this.#head).toLowerCase();
  }

  number(i: number): number | undefined {
    const { valueFrom, valueEnd } = this.line(i);
    return wholeNumberIn(this.#bytes, valueFrom, valueEnd);
  }

  says(i: number, word: Uint8Array): boolean {
    const { valueFrom, valueEnd } = this.line(i);
    return valueEnd - valueFrom === word.length && isSpelledAt(this.#bytes, valueFrom, word);
  }

  textWithout(drops: (i: number) => boolean, withFirstLine: boolean): string {
    const from = withFirstLine ? this.#head : this.#from;
    for (let i = 0; i < this.count; i++)
      if (drops(i)) return textOf(this.#bytes, this.#joinFrom(from, drops), this.#end);
    return this.text.slice(from - this.#head, this.#end - this.#head);
  }

  joinWithout(drops: (i: number) => boolean): number {
    return this.#joinFrom(this.#from, drops);
  }

  #joinFrom(from: number, drops: (i: number) => boolean): number {
    let joined = this.#end;
    // What is kept in one piece goes in one piece, the last one first: nothing is moved twice.
    let end = this.#end;
    for (let i = this.count - 1; i >= 0; i--) {
      if (!drops(i)) continue;
      joined = this.#move(this.#endOf(i), end, joined);
      end = this.line(i).from;
    }
    return this.#move(from, end, joined);
  }

  /** Moves bytes so that they end at `to`; where they begin then. */
  #move(from: number, end: number, to: number): number {
    const begin = to - (end - from);
    if (begin !== from) this.#bytes.copyWithin(begin, from, end);
    return begin;
  }

  /** Just past its CRLF. */
  #endOf(i: number): number {
    return i + 1 < this.count ? this.line(i + 1).from : this.#end;
  }
}

const read = new HeadFields();
export const fields: Fields = read;

/**
 * Reads header lines strictly (RFC 9112 section 5) into `fields`: a token, a colon right after it, a value; no folding; a
 * line ends with CRLF and nothing else. The head begins at `head`, its lines at `from`, and there are bytes as far as `to`.
 * Gives the place just past the empty line.
 */
export function readFields(bytes: Buffer, head: number, from: number, to: number): HeadEnd {
  let count = 0;
  // Nothing of a head before is left if this one can't be read.
  read.count = 0;
  let at = from;
  while (at < to && bytes[at] !== CR) {
    const line = read.line(count);
    count += 1;
    line.from = at;
    const colon = endOfToken(bytes, at, to);
    if (colon === to) return UNFINISHED;
    if (bytes[colon] !== COLON || colon === at) return isText(bytes[colon]) ? BAD_LINE : BAD_CHARACTER;
    line.nameEnd = colon;
    line.name = knownNameIn(bytes, at, colon);
    line.valueFrom = endOfSpaces(bytes, colon + 1, to);
    const lineEnd = endOfText(bytes, line.valueFrom, to);
    line.valueEnd = startOfSpaces(bytes, line.valueFrom, lineEnd);
    at = endOfLine(bytes, lineEnd, to);
    if (at < 0) return at;
  }
  const end = endOfLine(bytes, at, to);
  if (end >= 0) read.become(bytes, head, end, from, at, count);
  return end;
}

/** Whether there is an empty line in bytes that have come in parts. Of those before `lookedAt` it is known that there is none. */
export function hasEmptyLine(bytes: Buffer, lookedAt: number): boolean {
  return bytes.includes(EMPTY_LINE, Math.max(0, lookedAt - EMPTY_LINE.length + 1));
}

/** A character for each byte. `toString` does the same in the end, and looks at its arguments for as long before. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  return (bytes as Buffer & { latin1Slice(from: number, to: number): string }).latin1Slice(from, to);
}

/** The place just past the CRLF that must be at `at`. */
export function endOfLine(bytes: Buffer, at: number, to: number): HeadEnd {
  if (at >= to) return UNFINISHED;
  if (bytes[at] !== CR) return BAD_CHARACTER;
  if (at + 1 >= to) return UNFINISHED;
  return bytes[at + 1] === LF ? at + 2 : BAD_CHARACTER;
}

/** The index just past the token (RFC 9110 section 5.6.2) that begins at `from`; `to` if it may go on there. */
export function endOfToken(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) if (tokens[bytes[at] ?? 0] !== 1) break;
  return at;
}

/** The index just past what may stand in a value or a reason: no control characters but TAB. */
export function endOfText(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < SPACE ? byte !== TAB : byte === DELETE) break;
  }
  return at;
}

/** Only spaces: some parsers take a tab for a part of the value, so a length or a coding with one is refused. */
function endOfSpaces(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] === SPACE) at += 1;
  return at;
}

function startOfSpaces(bytes: Buffer, from: number, to: number): number {
  let at = to;
  while (at > from && bytes[at - 1] === SPACE) at -= 1;
  return at;
}

/** Whether these bytes are there, exactly. */
export function isAt(bytes: Buffer, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Whether a byte may be part of a token (RFC 9110 section 5.6.2). */
export function isTokenByte(byte: number): boolean {
  return tokens[byte] === 1;
}

/** Whether a byte may stand in a line. */
export function isText(byte: number | undefined): boolean {
  return byte !== undefined && (byte >= SPACE ? byte !== DELETE : byte === TAB);
}

/** What a Connection header lists, in lower case. What almost every one says is known without looking into it. */
export function optionsOf(connection: string): ReadonlySet<string> {
  if (connection === 'keep-alive' || connection === 'Keep-Alive') return KEEP_ALIVE;
  return connection === 'close' || connection === 'Close' ? CLOSE : tokensOf(connection);
}

/** Whether some of them may be names of fields, which then end here. Keep-Alive ends here anyway, and Close is none. */
export function mayNameFields(options: ReadonlySet<string>): boolean {
  return options !== NONE && options !== KEEP_ALIVE && options !== CLOSE;
}

/** The names that a value lists, in lower case. */
export function tokensOf(value: string): ReadonlySet<string> {
  if (value === '') return NONE;
  const tokens = value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
  return new Set(tokens.filter((token) => token !== ''));
}

/** Digits only, small enough to be counted exactly. Undefined for anything else. */
export function wholeNumberIn(bytes: Uint8Array, from: number, to: number): number | undefined {
  if (to === from || to - from > DIGITS_MAX) return undefined;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

/** The same of text. */
export function wholeNumberOf(value: string): number | undefined {
  return value.length > DIGITS_MAX ? undefined : wholeNumberIn(Buffer.from(value), 0, value.length);
}

function tableOf(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isIn(byte) ? 1 : 0));
}
