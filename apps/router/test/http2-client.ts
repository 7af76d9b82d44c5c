import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  type ClientSessionRequestOptions,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { HOST } from './simulated-platform.ts';

/** A connection of HTTP/2 with prior knowledge to a router on loopback. */
export interface Http2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session;
}

export interface Http2Reply {
  readonly status: number;
  /** Names and values by turns, as they came. */
  readonly fields: readonly string[];
  readonly body: string;
}

export function http2Client(port: number, options: ClientSessionOptions = {}): Http2Client {
  const session = connect(`http://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  return {
    session,
    async [Symbol.asyncDispose]() {
      session.destroy();
    },
  };
}

/** A request to the app; its body is still to be written. */
export function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  options?: ClientSessionRequestOptions,
): ClientHttp2Stream {
  const hasBody = headers[':method'] === 'POST';
  return session.request({ ':authority': HOST, ...headers }, { endStream: !hasBody, ...options });
}

/** The answer on a stream, when it is whole. */
export function replyOf(stream: ClientHttp2Stream): Promise<Http2Reply> {
  return new Promise((resolve, reject) => {
    let [status, body] = [0, ''];
    let fields: readonly string[] = [];
    stream
      .on('response', (headers, _flags, raw) => {
        status = headers[':status'] ?? 0;
        fields = raw;
      })
      .setEncoding('utf8')
      .on('data', (piece: string) => {
        body += piece;
      })
      .once('end', () => resolve({ status, fields, body }))
      .once('error', reject)
      .once('close', () => reject(new Error(`closed with ${stream.rstCode}`)));
  });
}

/** A request without a body, and its answer. */
export function askHttp2(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<Http2Reply> {
  return replyOf(request(session, headers));
}

/** Every value of one field. */
export function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.flatMap((field, i) => (i % 2 === 0 && field === name ? [fields[i + 1] ?? ''] : []));
}
