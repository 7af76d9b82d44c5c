import {
  endOfLine,
  endOfText,
  fields,
  isAt,
  mayNameFields,
  optionsOf,
  readFields,
  textOf,
  UNFINISHED,
} from './fields.ts';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from './framing.ts';
import type { KnownName } from './known-names.ts';

/** What a container answers before its body. Its text is still in the bytes that were read: valid as long as they are. */
export interface ResponseHead {
  readonly status: number;
  readonly framing: Framing;
  /** Whether the container keeps the connection. */
  readonly keepsAlive: boolean;
  /** It has no free slot, whatever the router believed. */
  readonly isBusy: boolean;
  readonly upgrade: string;
  readonly bytes: Buffer;
  /** Where status and reason are, as they were written: three digits, and what may follow them. */
  readonly statusFrom: number;
  readonly statusEnd: number;
  /** Where the header lines are that may go on to the client, each with its CRLF. */
  readonly linesFrom: number;
  readonly linesEnd: number;
}

/** Where the three digits are in the first line. */
const [MINOR_AT, STATUS_AT, STATUS_END] = [7, 9, 12];
const STATUS_DIGITS = STATUS_END - STATUS_AT;
const LINE_END_BYTES = 2;
const [SPACE, ZERO, ONE] = [0x20, 0x30, 0x31];
const HTTP1 = Buffer.from('HTTP/1.');
const CHUNKED_WORD = Buffer.from('chunked');
const KEEP_ALIVE_WORD = Buffer.from('keep-alive');

export type ReadResponse =
  /** `end` = the place just past it. */
  | { readonly kind: 'head'; readonly head: ResponseHead; readonly end: number }
  | { readonly kind: 'malformed' }
  /** More bytes are needed. */
  | { readonly kind: 'unfinished' };

const MALFORMED: ReadResponse = { kind: 'malformed' };
const UNFINISHED_RESPONSE: ReadResponse = { kind: 'unfinished' };

/** Reads the head that begins at `from`; there are bytes as far as `to`. What must not go on is taken out of them. */
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
  const options = optionsOf(said.connection);
  const isHttp11 = bytes[from + MINOR_AT] === ONE;
  const head = {
    status,
    framing,
    keepsAlive: (isHttp11 ? !options.has('close') : options.has('keep-alive')) && framing !== UNTIL_CLOSE,
    isBusy: said.isBusy,
    upgrade: said.upgrade,
    bytes,
    statusFrom: from + STATUS_AT,
    statusEnd: lineEnd,
    linesFrom: joinLines(options),
    linesEnd: end - LINE_END_BYTES,
  };
  return { kind: 'head', head, end };
}

/** The same head, whatever becomes of the bytes that it was read from. */
export function keptHead(head: ResponseHead): ResponseHead {
  const { bytes, statusFrom, linesFrom, linesEnd } = head;
  const kept = Buffer.from(bytes.subarray(statusFrom, linesEnd));
  return {
    ...head,
    bytes: kept,
    statusFrom: 0,
    statusEnd: head.statusEnd - statusFrom,
    linesFrom: linesFrom - statusFrom,
    linesEnd: linesEnd - statusFrom,
  };
}

/** Some write no space where there is no reason (RFC 9112 section 4 has one). */
export function lacksSpace({ statusFrom, statusEnd }: ResponseHead): boolean {
  return statusEnd - statusFrom === STATUS_DIGITS;
}

export function linesOf({ bytes, linesFrom, linesEnd }: ResponseHead): string {
  return textOf(bytes, linesFrom, linesEnd);
}

function joinLines(options: ReadonlySet<string>): number {
  const mayName = mayNameFields(options);
  return fields.joinWithout((i) => endsHere(i) || (mayName && isNamed(fields.name(i), options)));
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
  /** The last line that tells the length; -1 when there is none. */
  lengthLine: number;
  length: number | undefined;
  codings: number;
  connection: string;
  upgrade: string;
  isBusy: boolean;
  /** It can be read in two ways, or in none. */
  isAmbiguous: boolean;
}

function gather(): Said {
  const said: Said = {
    lengthLine: -1,
    length: undefined,
    codings: 0,
    connection: '',
    upgrade: '',
    isBusy: false,
    isAmbiguous: false,
  };
  for (let i = 0; i < fields.count; i++) {
    const name = fields.heeded(i);
    if (name) note(said, name, i);
  }
  return said;
}

function note(said: Said, name: KnownName, i: number): void {
  switch (name.text) {
    case 'content-length':
      said.isAmbiguous ||= said.lengthLine >= 0 && fields.value(said.lengthLine) !== fields.value(i);
      said.lengthLine = i;
      said.length = fields.number(i);
      said.isAmbiguous ||= said.length === undefined;
      break;
    case 'transfer-encoding':
      said.codings += 1;
      said.isAmbiguous ||= !fields.says(i, CHUNKED_WORD);
      break;
    case 'connection':
      said.connection = said.connection === '' ? connectionAt(i) : `${said.connection},${connectionAt(i)}`;
      break;
    case 'upgrade':
      said.upgrade ||= fields.value(i);
      break;
    case 'portico-busy':
      said.isBusy ||= fields.value(i) === '1';
      break;
    default:
  }
}

/** What almost every one says needs no text of the whole head. */
function connectionAt(i: number): string {
  return fields.says(i, KEEP_ALIVE_WORD) ? 'keep-alive' : fields.value(i);
}

/** Undefined when it could be read in two ways. */
function framingOf({ length, codings, isAmbiguous }: Said, hasBody: boolean): Framing | undefined {
  if (isAmbiguous || codings > 1 || (codings === 1 && length !== undefined)) return undefined;
  if (!hasBody) return NO_BODY;
  if (codings > 0) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : { kind: 'length', bytes: length };
}
