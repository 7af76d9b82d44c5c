import { endOfLine, endOfText, fields, isAt, readFields, tokensOf, UNFINISHED, wholeNumberOf } from './fields.ts';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from './framing.ts';
import type { KnownName } from './known-names.ts';

/** What a container answers before its body. */
export interface ResponseHead {
  readonly status: number;
  /** Status and reason, as they were written. */
  readonly statusText: string;
  readonly framing: Framing;
  /** Whether the container keeps the connection. */
  readonly keepsAlive: boolean;
  /** It has no free slot, whatever the router believed. */
  readonly isBusy: boolean;
  readonly upgrade: string;
  /** The header lines that may go on to the client, each with its CRLF. */
  readonly lines: string;
}

/** Where the three digits are in the first line. */
const [MINOR_AT, STATUS_AT, STATUS_END] = [7, 9, 12];
const [SPACE, ZERO, ONE] = [0x20, 0x30, 0x31];
const HTTP1 = Buffer.from('HTTP/1.');

export type ReadResponse =
  /** `end` = the place just past it. */
  | { readonly kind: 'head'; readonly head: ResponseHead; readonly end: number }
  | { readonly kind: 'malformed' }
  /** More bytes are needed. */
  | { readonly kind: 'unfinished' };

const MALFORMED: ReadResponse = { kind: 'malformed' };
const UNFINISHED_RESPONSE: ReadResponse = { kind: 'unfinished' };

/** Reads the head that begins at `from`; there are bytes as far as `to`. */
export function readResponseHead(bytes: Buffer, from: number, to: number, hasBody: boolean): ReadResponse {
  const lineEnd = endOfText(bytes, from, to);
  const fieldsFrom = endOfLine(bytes, lineEnd, to);
  const end = fieldsFrom < 0 ? fieldsFrom : readFields(bytes, from, fieldsFrom, to);
  if (end < 0) return end === UNFINISHED ? UNFINISHED_RESPONSE : MALFORMED;
  const status = statusOf(bytes, from, lineEnd);
  if (status === undefined) return MALFORMED;
  const said = gather();
  const framing = framingOf(said, hasBody && status >= 200 && status !== 204 && status !== 304);
  if (!framing) return MALFORMED;
  const options = tokensOf(said.connection);
  const isHttp11 = bytes[from + MINOR_AT] === ONE;
  const head = {
    status,
    // Some write no space where there is no reason (RFC 9112 section 4 has one).
    statusText: lineEnd - from === STATUS_END ? `${status} ` : fields.text.slice(STATUS_AT, lineEnd - from),
    framing,
    keepsAlive: (isHttp11 ? !options.has('close') : options.has('keep-alive')) && framing !== UNTIL_CLOSE,
    isBusy: said.isBusy,
    upgrade: said.upgrade,
    lines: fields.linesWithout((i) => endsHere(i) || (options.size > 0 && isNamed(fields.name(i), options))),
  };
  return { kind: 'head', head, end };
}

function endsHere(i: number): boolean {
  return fields.heeded(i)?.endsAnswers ?? false;
}

/** What Connection names is of one hop; but the framing needs its length. */
function isNamed(name: string, options: ReadonlySet<string>): boolean {
  return name !== 'content-length' && options.has(name);
}

/** Of `HTTP/1.x nnn reason`, with x = 0 or 1; undefined for any other line. */
function statusOf(bytes: Buffer, from: number, lineEnd: number): number | undefined {
  if (lineEnd - from < STATUS_END || !isAt(bytes, from, HTTP1) || bytes[from + STATUS_AT - 1] !== SPACE)
    return undefined;
  const minor = bytes[from + MINOR_AT];
  if (minor !== ZERO && minor !== ONE) return undefined;
  if (lineEnd - from > STATUS_END && bytes[from + STATUS_END] !== SPACE) return undefined;
  let status = 0;
  for (let i = from + STATUS_AT; i < from + STATUS_END; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    status = status * 10 + digit;
  }
  return status >= 100 && status < 600 ? status : undefined;
}

/** What the router heeds of the lines that were read last. */
interface Said {
  lengths: number;
  length: string;
  codings: number;
  coding: string;
  connection: string;
  upgrade: string;
  isBusy: boolean;
  /** Two lengths that are not the same. */
  contradicts: boolean;
}

function gather(): Said {
  const said: Said = {
    lengths: 0,
    length: '',
    codings: 0,
    coding: '',
    connection: '',
    upgrade: '',
    isBusy: false,
    contradicts: false,
  };
  for (let i = 0; i < fields.count; i++) {
    const name = fields.heeded(i);
    if (name) note(said, name, fields.value(i));
  }
  return said;
}

function note(said: Said, name: KnownName, value: string): void {
  switch (name.text) {
    case 'content-length':
      said.contradicts ||= said.lengths > 0 && said.length !== value;
      said.lengths += 1;
      said.length = value;
      break;
    case 'transfer-encoding':
      said.codings += 1;
      said.coding = value;
      break;
    case 'connection':
      said.connection += `${value},`;
      break;
    case 'upgrade':
      said.upgrade ||= value;
      break;
    case 'portico-busy':
      said.isBusy ||= value === '1';
      break;
    default:
  }
}

/** Undefined when it could be read in two ways. */
function framingOf({ lengths, length, codings, coding, contradicts }: Said, hasBody: boolean): Framing | undefined {
  if (contradicts || codings > 1 || (codings === 1 && lengths > 0)) return undefined;
  if (codings === 1 && coding.toLowerCase() !== 'chunked') return undefined;
  const bytes = lengths > 0 ? wholeNumberOf(length) : undefined;
  if (lengths > 0 && bytes === undefined) return undefined;
  if (!hasBody) return NO_BODY;
  if (codings > 0) return CHUNKED;
  return bytes === undefined ? UNTIL_CLOSE : { kind: 'length', bytes };
}
