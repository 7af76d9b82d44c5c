import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type CertificatePaths, eventually, selfSignedCertificate, silentLog } from '@portico/testing';
import { openCertificate } from '../src/adapters/certificate.ts';
import { readConfig } from '../src/config.ts';
import { ByteReader } from './byte-reader.ts';
import { askHttp2, replyOf, request } from './http2-client.ts';
import { HOST, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

let folder: string;
let paths: CertificatePaths;
let platform: SimulatedPlatform;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pr-tls-'));
  paths = await selfSignedCertificate(folder, HOST);
  platform = await simulatedPlatform({ headTimeoutMs: 500 }, paths);
  await platform.container('ta-1', (incoming, response) => {
    if (incoming.url === '/echo') return void incoming.pipe(response);
    response.end(`${incoming.url} ${incoming.headers['portico-scheme']}`);
  });
});

after(async () => {
  await platform?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A connection that trusts the certificate of now. */
async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: platform.httpsPort ?? 0,
    servername: HOST,
    ca: await readFile(paths.certFile),
    ...options,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

test('HTTP/1.1 under TLS, one request after the other', async () => {
  const socket = await open({ ALPNProtocols: ['http/1.1'] });
  assert.equal(socket.alpnProtocol, 'http/1.1');
  const reader = new ByteReader(socket);
  for (const path of ['/a', '/b']) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    assert.equal(await reader.line(), 'HTTP/1.1 200 OK');
    let length = 0;
    for (let line = await reader.line(); line !== ''; line = await reader.line())
      if (line.toLowerCase().startsWith('content-length:')) length = Number(line.slice(15));
    assert.equal(String(await reader.exactly(length)), `${path} https`);
  }
  socket.destroy();
});

test('HTTP/2 by ALPN, which is preferred', async () => {
  const socket = await open({ ALPNProtocols: ['http/1.1', 'h2'] });
  assert.equal(socket.alpnProtocol, 'h2');
  const session = connectHttp2(`https://${HOST}`, { createConnection: () => socket });
  const replies = await Promise.all(['/1', '/2'].map((path) => askHttp2(session, { ':path': path })));
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body]),
    [
      [200, '/1 https'],
      [200, '/2 https'],
    ],
  );
  session.destroy();
});

for (const protocol of ['http/1.1', 'h2']) {
  test(`a body of many megabytes passes whole both ways under TLS with ${protocol}`, async () => {
    const socket = await open({ ALPNProtocols: [protocol] });
    const size = 16 * 1024 * 1024;
    const pieces = Array.from({ length: 16 }, (_, i) => Buffer.alloc(size / 16, String.fromCharCode(97 + i)));
    let body: string;
    if (protocol === 'h2') {
      const session = connectHttp2(`https://${HOST}`, { createConnection: () => socket });
      const stream = request(session, { ':method': 'POST', ':path': '/echo' });
      const reply = replyOf(stream);
      for (const piece of pieces) if (!stream.write(piece)) await once(stream, 'drain');
      stream.end();
      body = (await reply).body;
      session.destroy();
    } else {
      const head = `POST /echo HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\ncontent-length: ${size}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), ...pieces]));
      const reader = new ByteReader(socket);
      while ((await reader.line()) !== '');
      body = String(await reader.chunked());
      await reader.closed;
    }
    assert.ok(body === Buffer.concat(pieces).toString(), `${body.length} bytes came back`);
  });
}

test('TLS 1.1 and a protocol that is not spoken are refused, and a handshake that stalls ends', async () => {
  for (const options of [{ maxVersion: 'TLSv1.1' as const, minVersion: 'TLSv1' as const }, { ALPNProtocols: ['h3'] }])
    await assert.rejects(open({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }), /alert|protocol/i);
  const stalled = connectPlain({ host: '127.0.0.1', port: platform.httpsPort ?? 0 });
  stalled.on('error', () => undefined).resume();
  await once(stalled, 'close');
});

test('a stop does not wait for handshakes, but for requests', async () => {
  await using stopping = await simulatedPlatform({}, paths);
  let release: () => void = () => undefined;
  await stopping.container('ta-1', (_incoming, response) => {
    release = () => void response.end('ended');
  });
  const stalled = connectPlain({ host: '127.0.0.1', port: stopping.httpsPort ?? 0 });
  stalled.on('error', () => undefined).resume();
  const socket = await open({ port: stopping.httpsPort ?? 0 });
  socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  await eventually('it runs', () => stopping.loads.some(({ pools }) => pools[0]?.inFlight === 1));
  const stopped = stopping.stopRouter();
  await once(stalled, 'close');
  release();
  assert.match(String(await new ByteReader(socket).untilClosed()), /^HTTP\/1\.1 200 OK\r\n.*ended$/s);
  await stopped;
});

test('a new certificate is used as soon as its files change; a broken one is not', async () => {
  const before = await serial();
  const next = join(folder, 'next');
  await mkdir(next);
  const made = await selfSignedCertificate(next, HOST);
  const kept = await open();
  await writeFile(paths.certFile, 'nothing');
  await copyFile(made.keyFile, paths.keyFile);
  assert.equal(await serial(), before);
  await copyFile(made.certFile, paths.certFile);
  await eventually('the new one is used', async () => (await serial()) !== before);
  kept.write(`GET /kept HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  assert.equal(await new ByteReader(kept).line(), 'HTTP/1.1 200 OK');
  kept.destroy();
});

/** Of the certificate that a connection gets now. */
async function serial(): Promise<string> {
  const socket = await open({ rejectUnauthorized: false });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test('a client that trusts the certificate is satisfied with it', async () => {
  const body = await new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: HOST, headers: { host: HOST } };
    void readFile(paths.certFile).then((ca) =>
      get({ ...options, port: platform.httpsPort, path: '/trusted', ca, agent: false }, (response) => {
        let text = '';
        response.on('data', (piece) => {
          text += String(piece);
        });
        response.once('end', () => resolve(text));
      }).once('error', reject),
    );
  });
  assert.equal(body, '/trusted https');
});

test('files that are missing, are none, or do not belong together end the start with a sentence', async () => {
  const other = join(folder, 'other');
  await mkdir(other);
  const foreign = await selfSignedCertificate(other, HOST);
  const none = join(folder, 'none.pem');
  await writeFile(none, 'nothing');
  const missing = join(folder, 'missing.pem');
  const cases: [files: CertificatePaths, sentence: string][] = [
    [{ ...paths, certFile: missing }, `PORTICO_TLS_CERT_FILE names ${missing}, which can't be read: ENOENT.`],
    [{ ...paths, keyFile: missing }, `PORTICO_TLS_KEY_FILE names ${missing}, which can't be read: ENOENT.`],
    [{ ...paths, certFile: none }, `PORTICO_TLS_CERT_FILE names ${none}, which holds no certificate in PEM.`],
    [
      { ...paths, keyFile: none },
      `PORTICO_TLS_KEY_FILE names ${none}, which holds no private key in PEM that can be read without a passphrase.`,
    ],
    [
      { ...paths, keyFile: foreign.keyFile },
      `The key in ${foreign.keyFile} is not that of the certificate in ${paths.certFile}.`,
    ],
  ];
  for (const [files, message] of cases) await assert.rejects(openCertificate(files, silentLog), { message });
});

test('a certificate without a key, and a key without a certificate, are named', () => {
  const env = { PORTICO_NATS_URL: 'nats://127.0.0.1:1' };
  for (const [set, lacking] of [
    ['PORTICO_TLS_CERT_FILE', 'PORTICO_TLS_KEY_FILE'],
    ['PORTICO_TLS_KEY_FILE', 'PORTICO_TLS_CERT_FILE'],
  ] as const)
    assert.throws(() => readConfig({ ...env, [set]: '/x.pem' }), { problems: [`${lacking} is not set.`] });
});
