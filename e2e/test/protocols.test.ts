import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import {
  type CertificatePaths,
  eventually,
  type Platform,
  repository,
  selfSignedCertificate,
  startPlatform,
} from '@portico/testing';

const DOMAIN = 'apps.localhost';
const HOST = `local--protocols-web.${DOMAIN}`;

const opened = new AsyncDisposableStack();
let folder: string;
let paths: CertificatePaths;
let httpsPort: number;
let platform: Platform;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pe-tls-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  paths = await selfSignedCertificate(folder, DOMAIN);
  httpsPort = await freePort();
  platform = opened.use(
    await startPlatform({
      PORTICO_BASE_DOMAIN: DOMAIN,
      PORTICO_HTTPS_PORT: String(httpsPort),
      PORTICO_TLS_CERT_FILE: paths.certFile,
      PORTICO_TLS_KEY_FILE: paths.keyFile,
    }),
  );
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/protocols.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
  // The client breaks long lines.
  assert.ok(deployed.output.replaceAll(/\s/g, '').includes(`https://${HOST}:${httpsPort}`), deployed.output);
});

after(() => opened.disposeAsync());

async function freePort(): Promise<number> {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** What curl got: its own word on the protocol, and the body. */
async function curl(url: string, ...options: string[]): Promise<{ version: string; body: string }> {
  const resolve = [
    '--resolve',
    `${HOST}:${platform.httpPort}:127.0.0.1`,
    '--resolve',
    `${HOST}:${httpsPort}:127.0.0.1`,
  ];
  const said = ['--silent', '--show-error', '--max-time', '60', '--write-out', '\n%{http_version}'];
  const { stdout } = await promisify(execFile)('curl', [...said, ...resolve, ...options, url]);
  const end = stdout.lastIndexOf('\n');
  return { version: stdout.slice(end + 1), body: stdout.slice(0, end) };
}

/** A connection of HTTP/2: under TLS, or with prior knowledge. */
async function session(isSecure: boolean): Promise<ClientHttp2Session> {
  const url = isSecure ? `https://127.0.0.1:${httpsPort}` : `http://127.0.0.1:${platform.httpPort}`;
  const made = connect(url, isSecure ? { ca: await readFile(paths.certFile), servername: HOST } : {});
  made.on('error', () => undefined);
  return made;
}

function open(from: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const stream = from.request({ ':path': path, ':authority': HOST, ...headers });
  stream.setEncoding('utf8').on('error', () => undefined);
  return stream;
}

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  for await (const piece of stream) text += String(piece);
  return text;
}

test('curl speaks HTTP/2 with prior knowledge, HTTP/2 and HTTP/1.1 under TLS', async () => {
  const [plain, secure] = [`http://${HOST}:${platform.httpPort}/scheme`, `https://${HOST}:${httpsPort}/scheme`];
  const trusted = ['--cacert', paths.certFile];
  const said = (scheme: string): string => JSON.stringify({ scheme, host: HOST, cookie: null });
  assert.deepEqual(await curl(plain, '--http2-prior-knowledge'), { version: '2', body: said('http') });
  assert.deepEqual(await curl(secure, ...trusted), { version: '2', body: said('https') });
  assert.deepEqual(await curl(secure, ...trusted, '--http1.1'), { version: '1.1', body: said('https') });
  await assert.rejects(curl(secure), /certificate/);
});

for (const isSecure of [false, true]) {
  const how = isSecure ? 'under TLS' : 'with prior knowledge';

  test(`many requests at once on one connection ${how}`, async () => {
    const client = await session(isSecure);
    const texts = await Promise.all(
      Array.from({ length: 100 }, (_, i) => textOf(open(client, '/scheme', { cookie: [`a=${i}`, 'b=2'] }))),
    );
    assert.deepEqual(
      texts.map((text) => (JSON.parse(text) as { cookie: string }).cookie),
      texts.map((_, i) => `a=${i}; b=2`),
    );
    client.destroy();
  });

  test(`a long body passes through the app both ways ${how}`, async () => {
    const client = await session(isSecure);
    const stream = open(client, '/echo', { ':method': 'POST' });
    const text = textOf(stream);
    const pieces = Array.from({ length: 16 }, (_, i) => String.fromCharCode(97 + i).repeat(1024 ** 2));
    for (const piece of pieces) if (!stream.write(piece)) await once(stream, 'drain');
    stream.end();
    assert.ok((await text) === pieces.join(''));
    client.destroy();
  });

  test(`the app hears when a client gives its stream up ${how}`, async () => {
    const client = await session(isSecure);
    const leavers = async (): Promise<number> => (JSON.parse(await textOf(open(client, '/left'))) as string[]).length;
    const before = await leavers();
    const stream = open(client, '/events');
    await once(stream, 'data');
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually('the app has heard', async () => (await leavers()) === before + 1);
    client.destroy();
  });

  test(`a WebSocket is a stream among others ${how}`, async () => {
    const client = await session(isSecure);
    await once(client, 'remoteSettings');
    const stream = client.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':authority': HOST,
      ':path': '/socket',
      'sec-websocket-version': '13',
    });
    const [headers] = (await once(stream, 'response')) as [OutgoingHttpHeaders];
    assert.equal(headers[':status'], 200);
    // A text frame of two bytes, masked with zeros, and what the app sends back (RFC 6455 section 5.2).
    stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [frame] = (await once(stream, 'data')) as [Buffer];
    assert.deepEqual([...frame], [0x81, 2, 0x68, 0x69]);
    assert.equal(JSON.parse(await textOf(open(client, '/scheme'))).host, HOST);
    client.destroy();
  });
}

test('a renewed certificate is served without a restart, to new connections', async () => {
  const serial = async (): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port: httpsPort, servername: HOST, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const routerOf = async (): Promise<number | undefined> => (await platform.processIds()).get('router');
  const [before, router] = [await serial(), await routerOf()];
  const next = join(folder, 'next');
  await mkdir(next);
  const renewed = await selfSignedCertificate(next, DOMAIN);
  await copyFile(renewed.keyFile, paths.keyFile);
  await copyFile(renewed.certFile, paths.certFile);
  await eventually('the new one is served', async () => (await serial()) !== before);
  assert.equal(await routerOf(), router);
  const url = `https://${HOST}:${httpsPort}/scheme`;
  assert.equal((await curl(url, '--cacert', paths.certFile)).version, '2');
});

test('a certificate that is none ends the start with a sentence', async () => {
  const none = join(folder, 'none.pem');
  await writeFile(none, 'nothing');
  const start = startPlatform({
    PORTICO_HTTPS_PORT: String(await freePort()),
    PORTICO_TLS_CERT_FILE: none,
    PORTICO_TLS_KEY_FILE: paths.keyFile,
  });
  await assert.rejects(start, new RegExp(`PORTICO_TLS_CERT_FILE names ${none}, which holds no certificate in PEM`));
});
