import type { Answer } from '../answers.ts';
import { answers } from '../answers.ts';
import { CHUNKED, NO_BODY } from '../http1/framing.ts';
import { hostOf } from '../http1/host.ts';
import { framingOf, gatherFrom, isDropped, type RequestHead } from '../http1/request-head.ts';

export type ReadHttp2Request =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'refused'; readonly answer: Answer };

export interface Http2HeadOptions {
  /** The stream has ended with its head: no body follows. */
  readonly isWhole: boolean;
  /** PORTICO_HEADER_BYTES_MAX, for what the same head would be in HTTP/1.1. */
  readonly headerBytesMax: number;
  /** For a WebSocket, where HTTP/1.1 wants a key and HTTP/2 has none. */
  readonly websocketKey: () => string;
}

/** The fields of a header block, pseudo-header fields apart from the others. */
interface Block {
  readonly pseudo: ReadonlyMap<string, string>;
  readonly names: string[];
  readonly values: string[];
  readonly bytes: number;
}

/**
 * Reads a header block (RFC 9113 section 8.3.1) into the same head that HTTP/1.1 gives. `fields` are names and values by
 * turns. What only HTTP/2 forbids (upper case, fields of a connection, an order of pseudo-header fields) was seen to by
 * whoever decoded the block; what could break a line of HTTP/1.1 is looked for here again.
 */
export function readHttp2Head(fields: readonly string[], options: Http2HeadOptions): ReadHttp2Request {
  const block = split(fields);
  if (block.bytes > options.headerBytesMax) return { kind: 'refused', answer: answers.headTooLarge };
  if (!block.names.every(isToken) || !fields.every(isLine)) return refused('a field that is not "name: value"');
  const said = gatherFrom(block.names, block.values);
  const authority = block.pseudo.get(':authority') ?? '';
  if (said.hosts > 1) return refused('two Host headers');
  if (said.hosts === 0 && authority === '') return refused('no :authority');
  if (said.hosts === 1 && authority !== '' && said.host.toLowerCase() !== authority.toLowerCase())
    return refused(':authority names another host than Host');
  const isTunnel = block.pseudo.get(':method') === 'CONNECT';
  if (isTunnel && block.pseudo.get(':protocol') !== 'websocket') return refused('a tunnel to anything but a WebSocket');
  const method = isTunnel ? 'GET' : (block.pseudo.get(':method') ?? '');
  if (!isToken(method)) return refused('a method that is no token');
  const target = block.pseudo.get(':path') ?? '';
  if (!VISIBLE.test(target) || !(target.startsWith('/') || (target === '*' && method === 'OPTIONS')))
    return refused('a :path that is no path');
  const length = framingOf({ ...said, codings: 0 });
  if (typeof length === 'string') return refused(length);
  if (options.isWhole && length !== NO_BODY) return refused('a Content-Length without a body');
  const host = hostOf(authority || said.host);
  if (host === undefined) return refused('an :authority that is no name of a host');
  return {
    kind: 'head',
    head: {
      method,
      target,
      isHttp10: false,
      host,
      framing: options.isWhole || isTunnel ? NO_BODY : said.lengths > 0 ? length : CHUNKED,
      keepsAlive: true,
      upgrade: isTunnel ? 'websocket' : '',
      traceparent: said.traceparent,
      modalKey: said.modalKey,
      modalSecret: said.modalSecret,
      authorization: said.authorization,
      expectsContinue: said.expectsContinue,
      affinityKey: said.affinityKey,
      forwarded: `${method} ${target} HTTP/1.1\r\nhost: ${authority || said.host}\r\n${linesOf(block)}${isTunnel ? `sec-websocket-key: ${options.websocketKey()}\r\n` : ''}`,
    },
  };
}

/** Trailer lines that may follow a body to a container. */
export function trailerLines(fields: readonly string[]): string {
  const block = split(fields);
  return linesOf({
    ...block,
    names: block.names.map((name, i) => (isToken(name) && isLine(block.values[i] ?? '') ? name : 'trailer')),
  });
}

function refused(why: string): ReadHttp2Request {
  return { kind: 'refused', answer: answers.badRequest(why) };
}

function split(fields: readonly string[]): Block {
  const pseudo = new Map<string, string>();
  const names: string[] = [];
  const values: string[] = [];
  let bytes = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]];
    bytes += name.length + value.length + 4;
    if (name.startsWith(':')) pseudo.set(name, value);
    else {
      names.push(name);
      values.push(value);
    }
  }
  return { pseudo, names, values, bytes };
}

/** One after the other, but what was cut of a cookie is put together again (RFC 9113 section 8.2.3). */
function linesOf({ names, values }: Block): string {
  let lines = '';
  let cookie = '';
  for (const [i, name] of names.entries()) {
    const value = values[i] ?? '';
    if (name === 'cookie') cookie += cookie === '' ? value : `; ${value}`;
    else if (!ours.has(name) && !isDropped(name, value)) lines += `${name}: ${value}\r\n`;
  }
  return cookie === '' ? lines : `${lines}cookie: ${cookie}\r\n`;
}

/** Written anew: what HTTP/1.1 frames and routes with, and what it wants of a WebSocket. */
const ours: ReadonlySet<string> = new Set(['host', 'sec-websocket-key']);

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No control characters but TAB, and so no end of a line. */
const LINE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** What may stand in a target without being encoded (RFC 3986 section 2). */
const VISIBLE = /^[!-~]+$/;

function isToken(text: string): boolean {
  return TOKEN.test(text);
}

function isLine(text: string): boolean {
  return LINE.test(text);
}
