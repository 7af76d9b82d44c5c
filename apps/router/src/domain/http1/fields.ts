import { type KnownName, knownNameIn } from './known-names.ts';

/** What was read of a head. Reused: valid until the next one is read. */
export interface Fields {
  /** The head from its first byte to its empty line. */
  readonly text: string;
  readonly count: number;
  /** The name of the line at `i`, in the order in which they came, if it is one that the router heeds. */
  heeded(i: number): KnownName | undefined;
  /** In lower case. */
  name(i: number): string;
  /** Without the spaces around it. */
  value(i: number): string;
  /** All lines as they were written, but those that `drops` names. */
  linesWithout(drops: (i: number) => boolean): string;
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
/** Any number of so many digits is exact. */
const DIGITS_MAX = 15;

const NONE: ReadonlySet<string> = new Set();
const tokens = tableOf((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));

/** One header line; all places are in the text of its head. */
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
  text = '';
  count = 0;
  /** Where the lines begin and end. */
  from = 0;
  end = 0;
  readonly #lines: FieldLine[] = [];

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
    return this.text.slice(valueFrom, valueEnd);
  }

  name(i: number): string {
    const { from, nameEnd, name } = this.line(i);
    return name?.text || this.text.slice(from, nameEnd).toLowerCase();
  }

  linesWithout(drops: (i: number) => boolean): string {
    let kept = '';
    let { from } = this;
    for (let i = 0; i < this.count; i++) {
      if (!drops(i)) continue;
      kept += this.text.slice(from, this.line(i).from);
      from = i + 1 < this.count ? this.line(i + 1).from : this.end;
    }
    return kept + this.text.slice(from, this.end);
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
    line.from = at - head;
    const colon = endOfToken(bytes, at, to);
    if (colon === to) return UNFINISHED;
    if (bytes[colon] !== COLON || colon === at) return isText(bytes[colon]) ? BAD_LINE : BAD_CHARACTER;
    line.nameEnd = colon - head;
    line.name = knownNameIn(bytes, at, colon);
    const valueFrom = endOfSpaces(bytes, colon + 1, to);
    const lineEnd = endOfText(bytes, valueFrom, to);
    line.valueFrom = valueFrom - head;
    line.valueEnd = startOfSpaces(bytes, valueFrom, lineEnd) - head;
    at = endOfLine(bytes, lineEnd, to);
    if (at < 0) return at;
  }
  const end = endOfLine(bytes, at, to);
  if (end < 0) return end;
  read.count = count;
  read.from = from - head;
  read.end = at - head;
  read.text = textOf(bytes, head, end);
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

/** The names that a value lists, as that of Connection does, in lower case. */
export function tokensOf(value: string): ReadonlySet<string> {
  if (value === '') return NONE;
  const tokens = value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
  return new Set(tokens.filter((token) => token !== ''));
}

/** Digits only, small enough to be counted exactly. Undefined for anything else. */
export function wholeNumberOf(value: string): number | undefined {
  if (value.length === 0 || value.length > DIGITS_MAX) return undefined;
  let number = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

function tableOf(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isIn(byte) ? 1 : 0));
}
