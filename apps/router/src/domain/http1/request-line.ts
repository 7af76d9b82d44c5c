import { endOfLine, endOfText, endOfToken, isAt, isText, UNFINISHED } from './fields.ts';

/** "METHOD target HTTP/1.x": where its parts are in the bytes of its head. */
export interface RequestLine {
  readonly kind: 'line';
  readonly methodEnd: number;
  /** The target begins one further. */
  readonly targetEnd: number;
  readonly isHttp10: boolean;
  /** Just past the CRLF. */
  readonly end: number;
}

export interface MalformedRequest {
  readonly kind: 'malformed';
  readonly status: 400 | 505;
  readonly why: string;
}

/** More bytes are needed. */
export interface UnfinishedRequest {
  readonly kind: 'unfinished';
}

const SPACE = 0x20;
/** What may stand in a target without being encoded (RFC 3986 section 2). */
const [FIRST_VISIBLE, LAST_VISIBLE] = [0x21, 0x7e];
const HTTP1 = Buffer.from('HTTP/1.');
const [ZERO, ONE] = [0x30, 0x31];

export const unfinished: UnfinishedRequest = { kind: 'unfinished' };
export const badCharacter = malformed('a control character, or a line that does not end with CRLF');
const badLine = malformed('a request line that is not "METHOD target HTTP/1.1"');
const badTarget = malformed('a byte in the target that must be percent-encoded');

export function malformed(why: string, status: 400 | 505 = 400): MalformedRequest {
  return { kind: 'malformed', status, why };
}

/** Reads the line at `from` strictly (RFC 9112 section 3): one space between its parts, and none elsewhere. */
export function readRequestLine(
  bytes: Buffer,
  from: number,
  to: number,
): RequestLine | MalformedRequest | UnfinishedRequest {
  const methodEnd = endOfToken(bytes, from, to);
  const targetEnd = methodEnd === to ? to : endOfVisible(bytes, methodEnd + 1, to);
  const lineEnd = targetEnd === to ? to : endOfText(bytes, targetEnd + 1, to);
  if (methodEnd < to && (methodEnd === from || bytes[methodEnd] !== SPACE)) return wrong(bytes, methodEnd, badLine);
  if (targetEnd < to && bytes[targetEnd] !== SPACE) return wrong(bytes, targetEnd, badTarget);
  if (targetEnd < to && targetEnd === methodEnd + 1) return badLine;
  const end = endOfLine(bytes, lineEnd, to);
  if (end < 0) return end === UNFINISHED ? unfinished : badCharacter;
  const minor = minorVersion(bytes, targetEnd + 1, lineEnd);
  if (minor === undefined) return otherVersion(bytes.toString('latin1', targetEnd + 1, lineEnd));
  return { kind: 'line', methodEnd, targetEnd, isHttp10: minor === ZERO, end };
}

function wrong(bytes: Buffer, at: number, otherwise: MalformedRequest): MalformedRequest {
  return isText(bytes[at]) ? otherwise : badCharacter;
}

function endOfVisible(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] ?? 0) >= FIRST_VISIBLE && (bytes[at] ?? 0) <= LAST_VISIBLE) at += 1;
  return at;
}

/** The last digit of HTTP/1.0 and HTTP/1.1; undefined for whatever else is written there. */
function minorVersion(bytes: Buffer, from: number, to: number): number | undefined {
  if (to - from !== HTTP1.length + 1 || !isAt(bytes, from, HTTP1)) return undefined;
  const minor = bytes[to - 1];
  return minor === ZERO || minor === ONE ? minor : undefined;
}

function otherVersion(version: string): MalformedRequest {
  return /^HTTP\/\d\.\d$/.test(version) ? malformed(`${version} is not spoken here`, 505) : badLine;
}
