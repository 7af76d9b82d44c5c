import { textOf, wholeNumberOf } from './fields.ts';

const [COLON, BRACKET, DOT] = [0x3a, 0x5b, 0x2e];
const PORT_DIGITS_MAX = 5;
/** Of what is remembered: longer than any name in the DNS with a port. */
const REMEMBERED_MAX = 260;
/** An address of IPv6 (RFC 3986 section 3.2.2), with or without a port. */
const ADDRESS = /^(\[[0-9a-f:.]+\])(?::\d{0,5})?$/i;
/** What a byte of a name may be. */
const [SMALL, CAPITAL] = [1, 2];
/** What names are made of (RFC 3986 section 3.2.2): unreserved, sub-delimiters, and the sign of an encoded byte. */
const nameBytes = new Uint8Array(256);
for (const byte of Buffer.from("-._~!$&'()*+,;=%0123456789abcdefghijklmnopqrstuvwxyz")) nameBytes[byte] = SMALL;
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ')) nameBytes[byte] = CAPITAL;

/** Hosts that were read, in the place that their spelling gives them; the last one with that place is kept. */
const PLACES = 64;
const known = new Array<{ readonly value: string; readonly host: string } | undefined>(PLACES).fill(undefined);

/**
 * A host as routes are written: in small letters, without port and closing dot. Undefined for what is none. The same text
 * again gives the same string, which tables find without counting its letters anew.
 */
export function hostOf(value: string): string | undefined {
  const { length } = value;
  // What differs among the hosts of a router is in the middle and in the length.
  const place = (length + 31 * value.charCodeAt(length >> 1) + value.charCodeAt(length >> 2)) & (PLACES - 1);
  const last = known[place];
  if (last?.value === value) return last.host;
  if (length > REMEMBERED_MAX) return readHost(value);
  // A part of a text keeps the whole of it; what is remembered must not.
  const own = textOf(Buffer.from(value, 'latin1'), 0, length);
  const host = readHost(own);
  if (host !== undefined) known[place] = { value: own, host };
  return host;
}

function readHost(value: string): string | undefined {
  if (value.charCodeAt(0) === BRACKET) return ADDRESS.exec(value)?.[1]?.toLowerCase();
  let end = 0;
  let hasCapitals = false;
  for (; end < value.length; end++) {
    const kind = nameBytes[value.charCodeAt(end)];
    if (kind !== SMALL && kind !== CAPITAL) break;
    hasCapitals ||= kind === CAPITAL;
  }
  if (end === 0 || !isPort(value, end)) return undefined;
  const name = value.slice(0, value.charCodeAt(end - 1) === DOT ? end - 1 : end);
  return hasCapitals ? name.toLowerCase() : name;
}

/** Whether nothing follows a name, or a colon and up to five digits (RFC 9110 section 7.2). */
function isPort(value: string, at: number): boolean {
  if (at === value.length) return true;
  if (value.charCodeAt(at) !== COLON || value.length - at - 1 > PORT_DIGITS_MAX) return false;
  return at + 1 === value.length || wholeNumberOf(value.slice(at + 1)) !== undefined;
}
