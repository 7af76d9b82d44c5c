import { fields, readFields } from '../http1/fields.ts';
import { CHUNKED, type Framing, NO_BODY } from '../http1/framing.ts';

/** A request as HTTP/2 sends it to a container. */
export interface ContainerRequest {
  readonly method: string;
  /** Names and values by turns, pseudo-header fields first. */
  readonly fields: string[];
  /** How the end of its body is known in the bytes that follow the head. */
  readonly framing: Framing;
  /** Where the head ends, and the body begins. */
  readonly end: number;
}

/** What frames a message or a connection in HTTP/1.1 and must not be in HTTP/2 (RFC 9113 section 8.2.2). */
const dropped: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'upgrade',
  'transfer-encoding',
  'keep-alive',
  'te',
]);

/** Turns a head that `writeContainerHead` has written, and that these bytes begin with, into the fields of HTTP/2. */
export function containerRequest(bytes: Buffer): ContainerRequest {
  const lineEnd = bytes.indexOf('\r\n');
  const [method = '', path = ''] = bytes.toString('latin1', 0, lineEnd).split(' ');
  const end = readFields(bytes, 0, lineEnd + 2, bytes.length);
  if (end < 0) throw new Error('A head that the router has written itself can not be read.');
  const others: string[] = [];
  let [authority, scheme, framing] = ['', 'http', NO_BODY];
  for (let i = 0; i < fields.count; i++) {
    const [name, value] = [fields.name(i), fields.value(i)];
    if (name === 'host') authority = value;
    else if (name === 'portico-scheme') scheme = value;
    else if (name === 'transfer-encoding') framing = CHUNKED;
    else if (name === 'content-length') framing = { kind: 'length', bytes: Number(value) };
    if (!dropped.has(name)) others.push(name, value);
  }
  const pseudo = [':method', method, ':path', path, ':scheme', scheme, ':authority', authority];
  // Trailers are passed on, whoever the client is; servers of gRPC want to be told.
  return { method, fields: [...pseudo, ...others, 'te', 'trailers'], framing, end };
}
