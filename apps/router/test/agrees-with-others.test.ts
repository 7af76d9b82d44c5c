import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { createBodyFollower } from '../src/domain/http1/body-follower.ts';
import { readRequestHead } from '../src/domain/http1/request-head.ts';

/** What a parser makes of some bytes. */
type Reading =
  | { readonly kind: 'request'; readonly method: string; readonly target: string; readonly body: string }
  | { readonly kind: 'refused'; readonly why: string }
  /** More bytes are needed. */
  | { readonly kind: 'unfinished' };

/** The first request in the bytes, and how many of them it took. */
function ours(bytes: Buffer): Reading & { readonly length?: number } {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { kind: 'unfinished' };
  const read = readRequestHead(text, end);
  if (read.kind === 'malformed') return { kind: 'refused', why: read.why };
  let body = '';
  const follower = createBodyFollower(read.head.framing, (piece, from, to) => {
    body += piece.toString('latin1', from, to);
  });
  const length = follower.follow(bytes, end + 4, bytes.length);
  if (length < 0) return { kind: 'refused', why: 'body' };
  if (!follower.isDone) return { kind: 'unfinished' };
  const { method, target } = read.head;
  return { kind: 'request', method, target, body, length };
}

/** Node's own strict parser, behind its own server. */
function nodes(server: Server, bytes: Buffer): Promise<Reading> {
  return new Promise((resolve) => {
    const connection = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const settle = (reading: Reading): void => {
      server.off('request', onRequest).off('clientError', onError).off('upgrade', onUpgrade).off('connect', onUpgrade);
      connection.destroy();
      resolve(reading);
    };
    const onRequest = async (request: IncomingMessage): Promise<void> => {
      let body = '';
      request.on('error', () => undefined);
      request.on('data', (piece: Buffer) => {
        body += piece.toString('latin1');
      });
      request.once('end', () =>
        settle({ kind: 'request', method: request.method ?? '', target: request.url ?? '', body }),
      );
    };
    const onUpgrade = ({ method = '', url = '' }: IncomingMessage): void =>
      settle({ kind: 'request', method, target: url, body: '' });
    const onError = (error: NodeJS.ErrnoException): void => settle({ kind: 'refused', why: error.code ?? '' });
    server.on('request', onRequest).on('clientError', onError).on('upgrade', onUpgrade).on('connect', onUpgrade);
    server.emit('connection', connection);
    connection.push(bytes);
    setImmediate(() => setImmediate(() => setImmediate(() => settle({ kind: 'unfinished' }))));
  });
}

/** Reproducible: a failure names the seed and the bytes. */
function randoms(seed: number): (below: number) => number {
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

function mutated(random: (below: number) => number): string {
  let text = seeds[random(seeds.length)] ?? '';
  for (let i = 1 + random(3); i > 0; i--) {
    const at = random(text.length + 1);
    const piece = pieces[random(pieces.length)] ?? '';
    text = text.slice(0, at) + (random(4) === 0 ? '' : piece) + text.slice(at + (random(2) === 0 ? 0 : 1 + random(3)));
  }
  return text;
}

const CASES = Number(process.env['PORTICO_FUZZ_CASES'] ?? 20_000);
const SEED = Number(process.env['PORTICO_FUZZ_SEED'] ?? 7_919);
/**
 * Node knows a list of methods, we pass on whatever is a token; and it complains of bytes after a request that ends the
 * connection, which we read over.
 */
const HARMLESS = new Set(['HPE_INVALID_METHOD', 'HPE_CLOSED_CONNECTION']);

test(`${CASES} requests that were tampered with: what Node's parser refuses we refuse, and what both take is the same`, async () => {
  const server = createServer({ requireHostHeader: true });
  const random = randoms(SEED);
  let taken = 0;
  for (let i = 0; i < CASES; i++) {
    const text = mutated(random);
    const bytes = Buffer.from(text, 'latin1');
    const reading = ours(bytes);
    if (reading.kind !== 'request') continue;
    const theirs = await nodes(server, bytes.subarray(0, reading.length));
    const what = `case ${i} of seed ${SEED}: ${JSON.stringify(text)}: ${JSON.stringify(theirs)}`;
    if (theirs.kind === 'refused' && HARMLESS.has(theirs.why)) continue;
    taken += 1;
    assert.equal(theirs.kind, 'request', what);
    if (theirs.kind !== 'request') continue;
    const target = theirs.target.replace(/^https?:\/\/[^/]*/i, '') || '/';
    assert.deepEqual([reading.method, reading.target, reading.body], [theirs.method, target, theirs.body], what);
  }
  assert.ok(taken > CASES / 10, `${taken} were taken by both`);
});
