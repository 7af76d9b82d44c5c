import { endOfToken, type Fields, isCleanText, readFields, tokensOf, wholeNumberOf } from './fields.ts';
import { CHUNKED, type Framing, NO_BODY } from './framing.ts';
import { hostOf } from './host.ts';

/** What a request says before its body. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly isHttp10: boolean;
  /** As routes are written: lower case, without port and final dot. */
  readonly host: string;
  readonly framing: Framing;
  /** Whether the client wants to send another request afterwards. */
  readonly keepsAlive: boolean;
  /** The protocol that the client asks to change to; empty if none. */
  readonly upgrade: string;
  readonly traceparent: string;
  /** Credentials for the router itself, as they were sent; empty if not. */
  readonly modalKey: string;
  readonly modalSecret: string;
  readonly authorization: string;
  /** The client waits for an answer, which may be an interim one, before it sends the body. */
  readonly expectsContinue: boolean;
  /** Requests that share it are for one container of a server class, where that can be; empty if none. */
  readonly affinityKey: string;
  /** The header lines that may go on to a container, each with its CRLF. */
  readonly lines: string;
}

export type ReadRequest =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'malformed'; readonly status: 400 | 505; readonly why: string };

/** Headers that end here: of one hop (RFC 9110 section 7.6.1), or for the router to say and nobody else. */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'forwarded',
  'traceparent',
]);
/** `Authorization` with a proxy token is for the router; any other is for the app. */
export const PROXY_BEARER = /^Bearer (wk-[A-Za-z0-9]+)\.(ws-[A-Za-z0-9]+)$/;

const EXPECTS_CONTINUE = /^[ \t]*100-continue/i;

/** What the fields of a request say; gathered in one pass over them. */
export interface Said {
  hosts: number;
  host: string;
  lengths: number;
  length: string;
  codings: number;
  coding: string;
  connection: string;
  upgrade: string;
  traceparent: string;
  modalKey: string;
  modalSecret: string;
  authorization: string;
  expectsContinue: boolean;
  affinityKey: string;
}

/** Reads a head from `text`; `end` is where the empty line begins. */
export function readRequestHead(text: string, end: number): ReadRequest {
  if (!isCleanText(text, end + 4)) return malformed('a control character, or a line that does not end with CRLF');
  const line = readRequestLine(text);
  if (line.kind === 'malformed') return line;
  const fields = readFields(text, line.end, end + 2);
  if (!fields) return malformed('a header line that is not "name: value"');
  const said = gather(fields);
  if (said.hosts !== 1) return malformed(said.hosts === 0 ? 'no Host header' : 'two Host headers');
  const framing = framingOf(said);
  if (typeof framing === 'string') return malformed(framing);
  const options = tokensOf(said.connection);
  const host = hostOf(said.host);
  if (host === undefined) return malformed('a Host that is no name of a host');
  if (line.authority !== '' && host !== hostOf(line.authority))
    return malformed('the target names another host than Host');
  const asksUpgrade = said.upgrade !== '' && options.includes('upgrade') && framing === NO_BODY && !line.isHttp10;
  return {
    kind: 'head',
    head: {
      method: line.method,
      target: line.target,
      isHttp10: line.isHttp10,
      host,
      framing,
      keepsAlive: !line.isHttp10 && !options.includes('close'),
      // To HTTP/2 the router itself would have to change, which it does not do in this way.
      upgrade: asksUpgrade && !/^h2c?\b/i.test(said.upgrade) ? said.upgrade : '',
      traceparent: said.traceparent,
      modalKey: said.modalKey,
      modalSecret: said.modalSecret,
      authorization: said.authorization,
      // One that is dropped asks the container for nothing.
      expectsContinue: said.expectsContinue && !options.includes('expect'),
      affinityKey: said.affinityKey,
      lines: forwardable(text, fields, options),
    },
  };
}

function malformed(why: string, status: 400 | 505 = 400): ReadRequest & { kind: 'malformed' } {
  return { kind: 'malformed', status, why };
}

interface RequestLine {
  readonly kind: 'line';
  readonly method: string;
  readonly target: string;
  /** Of a target in absolute form. */
  readonly authority: string;
  readonly isHttp10: boolean;
  readonly end: number;
}

/** What may stand in a target without being encoded (RFC 3986 section 2). */
export const VISIBLE = /^[!-~]+$/;
const ABSOLUTE = /^https?:\/\/([^/?#]+)(.*)$/i;

function readRequestLine(text: string): RequestLine | (ReadRequest & { kind: 'malformed' }) {
  const methodEnd = endOfToken(text, 0);
  const end = text.indexOf('\r\n');
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== 0x20 || targetEnd < 0 || targetEnd > end)
    return malformed('a request line that is not "METHOD target HTTP/1.1"');
  const version = text.slice(targetEnd + 1, end);
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0')
    return /^HTTP\/\d\.\d$/.test(version)
      ? malformed(`${version} is not spoken here`, 505)
      : malformed('a request line that is not "METHOD target HTTP/1.1"');
  const method = text.slice(0, methodEnd);
  const written = text.slice(methodEnd + 1, targetEnd);
  if (!VISIBLE.test(written)) return malformed('a byte in the target that must be percent-encoded');
  const line = { kind: 'line', method, isHttp10: version === 'HTTP/1.0', end: end + 2 } as const;
  if (written.charCodeAt(0) === 0x2f) return { ...line, target: written, authority: '' };
  if (written === '*' && method === 'OPTIONS') return { ...line, target: written, authority: '' };
  const absolute = ABSOLUTE.exec(written);
  if (!absolute || method === 'CONNECT') return malformed('a target that is no path');
  const path = absolute[2] ?? '';
  return { ...line, target: path.startsWith('/') ? path : `/${path}`, authority: absolute[1] ?? '' };
}

/** What the router heeds of some fields. */
export function gather({ count, names, values }: Pick<Fields, 'count' | 'names' | 'values'>): Said {
  const said: Said = {
    hosts: 0,
    host: '',
    lengths: 0,
    length: '',
    codings: 0,
    coding: '',
    connection: '',
    upgrade: '',
    traceparent: '',
    modalKey: '',
    modalSecret: '',
    authorization: '',
    expectsContinue: false,
    affinityKey: '',
  };
  for (let i = 0; i < count; i++) note(said, names[i] ?? '', values[i] ?? '');
  return said;
}

function note(said: Said, name: string, value: string): void {
  switch (name) {
    case 'host':
      said.hosts += 1;
      said.host = value;
      break;
    case 'content-length':
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
      said.upgrade = value;
      break;
    case 'traceparent':
      said.traceparent = value;
      break;
    case 'modal-key':
      said.modalKey = value;
      break;
    case 'modal-secret':
      said.modalSecret = value;
      break;
    case 'authorization':
      said.authorization = value;
      break;
    case 'expect':
      said.expectsContinue ||= EXPECTS_CONTINUE.test(value);
      break;
    case 'modal-routing-affinity-key':
      said.affinityKey = value;
      break;
    case 'modal-session-id':
      // The older name.
      said.affinityKey ||= value;
      break;
    default:
  }
}

/** The framing, or why it could be read in two ways (RFC 9112 section 6.3). */
export function framingOf({ lengths, length, codings, coding }: Said): Framing | string {
  if (codings > 0) {
    if (lengths > 0) return 'both Content-Length and Transfer-Encoding';
    return codings === 1 && coding.toLowerCase() === 'chunked' ? CHUNKED : 'a Transfer-Encoding other than "chunked"';
  }
  if (lengths === 0) return NO_BODY;
  const bytes = lengths === 1 ? wholeNumberOf(length) : undefined;
  if (bytes === undefined) return 'a Content-Length that is not one number';
  return bytes === 0 ? NO_BODY : { kind: 'length', bytes };
}

function forwardable(text: string, { count, names, values, starts }: Fields, options: readonly string[]): string {
  let lines = '';
  let from = starts[0] ?? 0;
  for (let i = 0; i < count; i++) {
    const name = names[i] ?? '';
    if (!isDropped(name, values[i] ?? '') && !(options.length > 0 && isNamed(name, options))) continue;
    lines += text.slice(from, starts[i]);
    from = starts[i + 1] ?? 0;
  }
  return lines + text.slice(from, starts[count]);
}

/** What Connection names is of one hop; but no client may have the router drop what the framing needs. */
function isNamed(name: string, options: readonly string[]): boolean {
  return name !== 'host' && name !== 'content-length' && options.includes(name);
}

/** Whether a field ends here rather than go on to a container. */
export function isDropped(name: string, value: string): boolean {
  if (dropped.has(name) || isReserved(name)) return true;
  return name === 'authorization' && PROXY_BEARER.test(value);
}

/** Whether only a proxy that an app trusts may say it, and that is the router. */
function isReserved(name: string): boolean {
  // The first letter rules almost all others out.
  switch (name[0]) {
    case 'm':
      return name.startsWith('modal-');
    case 'p':
      return name.startsWith('portico-');
    case 'x':
      return name.startsWith('x-forwarded-');
    default:
      return false;
  }
}
