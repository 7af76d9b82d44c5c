import { createBodyFollower } from '../src/domain/http1/body-follower.ts';
import { readRequestHead } from '../src/domain/http1/request-head.ts';

/** What a parser makes of some bytes. */
export type Reading =
  | { readonly kind: 'request'; readonly method: string; readonly target: string; readonly body: string }
  | { readonly kind: 'refused'; readonly why: string }
  /** More bytes are needed. */
  | { readonly kind: 'unfinished' };

/** The first request in the bytes, and how many of them it took. */
export function ours(written: Buffer): Reading & { readonly length?: number } {
  // What does not go on is taken out of the bytes.
  const bytes = Buffer.from(written);
  const read = readRequestHead(bytes, 0, bytes.length);
  if (read.kind === 'unfinished') return read;
  if (read.kind === 'malformed') return { kind: 'refused', why: read.why };
  let body = '';
  const follower = createBodyFollower(read.head.framing, (piece, from, to) => {
    body += piece.toString('latin1', from, to);
  });
  const length = follower.follow(bytes, read.end, bytes.length);
  if (length < 0) return { kind: 'refused', why: 'body' };
  if (!follower.isDone) return { kind: 'unfinished' };
  const { method, target } = read.head;
  return { kind: 'request', method, target, body, length };
}

/** Reproducible: a failure names the seed and the bytes. */
export function randoms(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const seeds = [
  'GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n',
  'POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3;e=1\r\nabc\r\n0\r\nx: y\r\n\r\n',
  'GET http://a/b HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\n\r\n',
  'POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  'POST /a HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\na',
  'OPTIONS * HTTP/1.0\r\nHost: a\r\n\r\n',
];
/** Bytes and pieces that parsers have been known to read in different ways. */
const pieces = [
  ...['\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', ':', ',', ';', '\0', '\x0b', '\x7f', '\x80', '-', '+', '0', '1', 'f'],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity\r\n',
  ],
  ...[
    'Host: b\r\n',
    'chunked',
    'HTTP/1.1',
    ' HTTP/1.1',
    '0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: c\r\n\r\n',
    'Connection: Upgrade\r\n',
  ],
];

/** A request, with something wrong in it more often than not. */
export function mutated(random: (below: number) => number): string {
  let text = seeds[random(seeds.length)] ?? '';
  for (let i = 1 + random(3); i > 0; i--) {
    const at = random(text.length + 1);
    const piece = pieces[random(pieces.length)] ?? '';
    text = text.slice(0, at) + (random(4) === 0 ? '' : piece) + text.slice(at + (random(2) === 0 ? 0 : 1 + random(3)));
  }
  return text;
}
