import {
  BAD_LINE,
  fields,
  mayNameFields,
  optionsOf,
  readFields,
  tokensOf,
  UNFINISHED,
  wholeNumberOf,
} from './fields.ts';
import { CHUNKED, type Framing, NO_BODY } from './framing.ts';
import { hostOf } from './host.ts';
import { type KnownName, knownName } from './known-names.ts';
import {
  badCharacter,
  type MalformedRequest,
  malformed,
  readRequestLine,
  type UnfinishedRequest,
  unfinished,
} from './request-line.ts';

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
  /** The first line, and the header lines that may go on to a container, each with its CRLF. */
  readonly forwarded: string;
}

export type ReadRequest =
  /** `end` = the place just past it. */
  { readonly kind: 'head'; readonly head: RequestHead; readonly end: number } | MalformedRequest | UnfinishedRequest;

/** `Authorization` with a proxy token is for the router, however its scheme is spelled; any other is for the app. */
export const PROXY_BEARER = /^[ \t]*bearer +(wk-[a-z0-9]+)\.(ws-[a-z0-9]+)[ \t]*$/i;

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
  /** If the last one is for the router. */
  authorization: string;
  /** If any of them is: that one must not go on. */
  hasProxyToken: boolean;
  expectsContinue: boolean;
  affinityKey: string;
}

const ABSOLUTE = /^https?:\/\/([^/?#]+)(.*)$/i;
const SLASH = 0x2f;

/** Reads the head that begins at `from`; there are bytes as far as `to`. Of a head that was read the bytes are not what they were. */
export function readRequestHead(bytes: Buffer, from: number, to: number): ReadRequest {
  const line = readRequestLine(bytes, from, to);
  if (line.kind !== 'line') return line;
  const end = readFields(bytes, from, line.end, to);
  if (end < 0) return end === UNFINISHED ? unfinished : end === BAD_LINE ? badField : badCharacter;
  const method = fields.text.slice(0, line.methodEnd - from);
  const target = targetOf(fields.text.slice(line.methodEnd + 1 - from, line.targetEnd - from), method);
  if (!target) return malformed('a target that is no path');
  const said = gather();
  if (said.hosts !== 1) return malformed(said.hosts === 0 ? 'no Host header' : 'two Host headers');
  // HTTP/1.0 has no codings: a proxy before this one that keeps to it has read another body (RFC 9112 section 6.1).
  if (line.isHttp10 && said.codings > 0) return malformed('a Transfer-Encoding in HTTP/1.0');
  const framing = framingOf(said);
  if (typeof framing === 'string') return malformed(framing);
  const host = hostOf(said.host);
  if (host === undefined) return malformed('a Host that is no name of a host');
  if (target.authority !== '' && host !== hostOf(target.authority))
    return malformed('the target names another host than Host');
  const options = optionsOf(said.connection);
  const { isHttp10 } = line;
  const asksUpgrade = said.upgrade !== '' && options.has('upgrade') && framing === NO_BODY && !isHttp10;
  const isAsWritten = target.authority === '' && !isHttp10;
  const forwarded = forwardable(options, said.hasProxyToken, isAsWritten);
  const head = {
    method,
    target: target.path,
    isHttp10,
    host,
    framing,
    keepsAlive: !isHttp10 && !options.has('close'),
    // To HTTP/2 the router itself would have to change, which it does not do in this way.
    upgrade: asksUpgrade && !asksHttp2(said.upgrade) ? said.upgrade : '',
    traceparent: said.traceparent,
    modalKey: said.modalKey,
    modalSecret: said.modalSecret,
    authorization: said.authorization,
    // One that is dropped asks the container for nothing.
    expectsContinue: said.expectsContinue && !options.has('expect'),
    affinityKey: said.affinityKey,
    forwarded: isAsWritten ? forwarded : `${method} ${target.path} HTTP/1.1\r\n${forwarded}`,
  };
  return { kind: 'head', head, end };
}

/** Whether HTTP/2 is among the protocols of an Upgrade header. */
function asksHttp2(upgrade: string): boolean {
  const protocols = tokensOf(upgrade);
  return protocols.has('h2c') || protocols.has('h2');
}

const badField = malformed('a header line that is not "name: value"');

interface Target {
  readonly path: string;
  /** Of a target in absolute form. */
  readonly authority: string;
}

/** Undefined for what is no path, no URL and not the asterisk of OPTIONS (RFC 9112 section 3.2). */
function targetOf(written: string, method: string): Target | undefined {
  if (written.charCodeAt(0) === SLASH || (written === '*' && method === 'OPTIONS'))
    return { path: written, authority: '' };
  const absolute = ABSOLUTE.exec(written);
  if (!absolute || method === 'CONNECT') return undefined;
  const path = absolute[2] ?? '';
  return { path: path.startsWith('/') ? path : `/${path}`, authority: absolute[1] ?? '' };
}

function nothingSaid(): Said {
  return {
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
    hasProxyToken: false,
    expectsContinue: false,
    affinityKey: '',
  };
}

/** What the router heeds of the lines that were read last. */
function gather(): Said {
  const said = nothingSaid();
  for (let i = 0; i < fields.count; i++) {
    const name = fields.heeded(i);
    if (name) note(said, name, fields.value(i));
  }
  return said;
}

/** The same of fields that are names and values. */
export function gatherFrom(names: readonly string[], values: readonly string[]): Said {
  const said = nothingSaid();
  for (const [i, text] of names.entries()) {
    const name = knownName(text);
    if (name) note(said, name, values[i] ?? '');
  }
  return said;
}

function note(said: Said, name: KnownName, value: string): void {
  switch (name.text) {
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
      said.connection = said.connection === '' ? value : `${said.connection},${value}`;
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
      said.authorization = PROXY_BEARER.test(value) ? value : '';
      said.hasProxyToken ||= said.authorization !== '';
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

/** The lines that go on, as they were written. */
function forwardable(options: ReadonlySet<string>, hasProxyToken: boolean, withFirstLine: boolean): string {
  const mayName = mayNameFields(options);
  return fields.textWithout((i) => {
    const name = fields.heeded(i);
    if (name?.endsRequests || (hasProxyToken && name && isProxyToken(name.text, fields.value(i)))) return true;
    return mayName && isNamed(fields.name(i), options);
  }, withFirstLine);
}

function isProxyToken(name: string, value: string): boolean {
  return name === 'authorization' && PROXY_BEARER.test(value);
}

/** What Connection names is of one hop; but no client may have the router drop what the framing needs. */
function isNamed(name: string, options: ReadonlySet<string>): boolean {
  return name !== 'host' && name !== 'content-length' && options.has(name);
}

/** Whether a field ends here rather than go on to a container. */
export function isDropped(text: string, value: string): boolean {
  return knownName(text)?.endsRequests || isProxyToken(text, value);
}
