/** Header lines of one head, in the order in which they came. Reused: valid until the next `readFields`. */
export interface Fields {
  count: number;
  /** In lower case. */
  readonly names: string[];
  /** Without the spaces around them. */
  readonly values: string[];
  /** Where each line begins in the text; the one after the last is where the lines end. */
  readonly starts: number[];
}

const [TAB, CR, LF, DELETE] = [0x09, 0x0d, 0x0a, 0x7f];
const FIRST_VISIBLE = 0x20;
const ZERO = 0x30;
/** Any number of so many digits is exact. */
const DIGITS_MAX = 15;

const NONE: readonly string[] = [];
const tokens = tokenBytes();
/** How many of the names and values of `fields` may be of some head. */
let filled = 0;
const fields: Fields = { count: 0, names: [], values: [], starts: [] };

/**
 * Whether a head, as far as `to`, has only characters that all parsers read in the same way: no control characters, and
 * no CR or LF that is alone (RFC 9112 section 2.2).
 */
export function isCleanText(text: string, to = text.length): boolean {
  for (let i = 0; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code >= FIRST_VISIBLE ? code !== DELETE : code === TAB) continue;
    if (code !== CR || text.charCodeAt(i + 1) !== LF) return false;
    i += 1;
  }
  return true;
}

/**
 * Reads header lines strictly (RFC 9112 section 5): a token, a colon right after it, a value; no folding.
 * `end` is just past the CRLF of the last line. Undefined when a line is malformed.
 */
export function readFields(text: string, from: number, end: number): Fields | undefined {
  let at = from;
  fields.count = 0;
  // Once for all names: each in turn costs more than all together.
  const lower = text.slice(from, end).toLowerCase();
  while (at < end) {
    const colon = endOfToken(text, at);
    if (colon === at || text.charCodeAt(colon) !== 0x3a) return undefined;
    filled = Math.max(filled, fields.count + 1);
    const lineEnd = text.indexOf('\r\n', colon);
    fields.names[fields.count] = lower.slice(at - from, colon - from);
    fields.values[fields.count] = trimmed(text, colon + 1, lineEnd);
    fields.starts[fields.count] = at;
    fields.count += 1;
    at = lineEnd + 2;
  }
  fields.starts[fields.count] = at;
  forget(fields.count);
  return fields;
}

/** A part of a text keeps all of it in memory: those of longer heads before are let go. */
function forget(from: number): void {
  for (let i = from; i < filled; i++) {
    fields.names[i] = '';
    fields.values[i] = '';
  }
  filled = from;
}

/** Whether a byte may be part of a token (RFC 9110 section 5.6.2). */
export function isTokenByte(byte: number): boolean {
  return tokens[byte] === 1;
}

/** The index just past the token (RFC 9110 section 5.6.2) that begins at `at`. */
export function endOfToken(text: string, at: number): number {
  let end = at;
  while (isTokenByte(text.charCodeAt(end))) end += 1;
  return end;
}

/** The names that the value of a Connection header lists, in lower case. */
export function tokensOf(value: string): readonly string[] {
  if (value === '') return NONE;
  return value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
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

function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Only spaces: some parsers take a tab for a part of the value, so a length or a coding with one is refused. */
function isBlank(code: number): boolean {
  return code === 0x20;
}

function tokenBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    table[char.charCodeAt(0)] = 1;
  return table;
}
