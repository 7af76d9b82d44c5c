import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { mutated, ours, type Reading, randoms } from './tampered-requests.ts';

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
