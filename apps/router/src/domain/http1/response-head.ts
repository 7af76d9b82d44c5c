import { type Fields, isCleanText, readFields, tokensOf, wholeNumberOf } from './fields.ts';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from './framing.ts';

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
const [STATUS_AT, STATUS_END] = [9, 12];

const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'portico-busy',
]);

/** Reads a head from `text`; `end` is where the empty line begins. Undefined when it is malformed. */
export function readResponseHead(text: string, end: number, hasBody: boolean): ResponseHead | undefined {
  const lineEnd = text.indexOf('\r\n');
  const status = statusOf(text, lineEnd);
  if (status === undefined || !isCleanText(text, end + 4)) return undefined;
  const fields = readFields(text, lineEnd + 2, end + 2);
  if (!fields) return undefined;
  const framing = framingOf(fields, hasBody && status >= 200 && status !== 204 && status !== 304);
  if (!framing) return undefined;
  const options = tokensOf(fieldValue(fields, 'connection'));
  const isHttp11 = text.charCodeAt(7) === 0x31;
  return {
    status,
    // Some write no space where there is no reason (RFC 9112 section 4 has one).
    statusText: lineEnd === STATUS_END ? `${status} ` : text.slice(STATUS_AT, lineEnd),
    framing,
    keepsAlive: (isHttp11 ? !options.includes('close') : options.includes('keep-alive')) && framing !== UNTIL_CLOSE,
    isBusy: fieldValue(fields, 'portico-busy') === '1',
    upgrade: fieldValue(fields, 'upgrade'),
    lines: forwardable(text, fields, options),
  };
}

/** Of `HTTP/1.x nnn reason`, with x = 0 or 1; undefined for any other line. */
function statusOf(text: string, lineEnd: number): number | undefined {
  if (!text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.0 ')) return undefined;
  if (lineEnd !== STATUS_END && text[STATUS_END] !== ' ') return undefined;
  const status = wholeNumberOf(text.slice(STATUS_AT, STATUS_END));
  return status !== undefined && status >= 100 && status < 600 ? status : undefined;
}

function fieldValue({ count, names, values }: Fields, name: string): string {
  for (let i = 0; i < count; i++) if (names[i] === name) return values[i] ?? '';
  return '';
}

function framingOf({ count, names, values }: Fields, hasBody: boolean): Framing | undefined {
  let length: string | undefined;
  let coding: string | undefined;
  for (let i = 0; i < count; i++) {
    if (names[i] === 'content-length') {
      if (length !== undefined && length !== values[i]) return undefined;
      length = values[i];
    } else if (names[i] === 'transfer-encoding') {
      if (coding !== undefined) return undefined;
      coding = values[i];
    }
  }
  const bytes = length === undefined ? undefined : wholeNumberOf(length);
  if (length !== undefined && (bytes === undefined || coding !== undefined)) return undefined;
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return undefined;
  if (!hasBody) return NO_BODY;
  if (coding !== undefined) return CHUNKED;
  return bytes === undefined ? UNTIL_CLOSE : { kind: 'length', bytes };
}

function forwardable(text: string, { count, names, starts }: Fields, options: readonly string[]): string {
  let lines = '';
  let from = starts[0] ?? 0;
  for (let i = 0; i < count; i++) {
    const name = names[i] ?? '';
    if (!dropped.has(name) && !(options.length > 0 && name !== 'content-length' && options.includes(name))) continue;
    lines += text.slice(from, starts[i]);
    from = starts[i + 1] ?? 0;
  }
  return lines + text.slice(from, starts[count]);
}
