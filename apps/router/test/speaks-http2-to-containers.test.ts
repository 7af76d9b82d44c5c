import assert from 'node:assert/strict';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2';
import { after, before, test } from 'node:test';
import { nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { answers } from '../src/domain/answers.ts';
import { askHttp2, type Http2Reply, http2Client, replyOf, request, valuesOf } from './http2-client.ts';
import { ask, rawClient } from './raw-client.ts';
import { appOf, HOST, poolOf, type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const CANCEL = 8;

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

let platform: SimulatedPlatform;
let container: Http2Server;
let connections = 0;
let onStream: OnStream = () => undefined;

before(async () => {
  // One thread, so that all requests find the same connection.
  platform = await simulatedPlatform({ bodyBytesMax: 1 << 30, threads: 1 });
  await platform.deploy(appOf({ pools: [poolOf({ h2Enabled: true, maxConcurrentInputs: 1_000 })] }));
  container = createServer();
  container.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  await platform.rawContainer('ta-1', (socket) => {
    connections += 1;
    container.emit('connection', socket);
  });
});

after(() => platform?.[Symbol.asyncDispose]());

const RESPOND: ServerStreamResponseOptions = { endStream: false };

test('a container gets the request as HTTP/2, and the answer goes to a client of either version', async () => {
  onStream = (stream, headers) => {
    stream.respond({ ':status': 201, 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] }, RESPOND);
    const { ':method': method, ':path': path, ':authority': authority, ':scheme': scheme, te } = headers;
    stream.end(JSON.stringify({ method, path, authority, scheme, te, x: headers['x'], host: headers.host ?? '' }));
  };
  const expected = (method: string) =>
    JSON.stringify({
      method,
      path: '/a?b=c',
      authority: 'local--app-web.localhost',
      scheme: 'http',
      te: 'trailers',
      x: '1',
      host: '',
    });
  const reply = await ask(platform.port, '/a?b=c', 'x: 1\r\n');
  assert.deepEqual([reply.status, reply.body], [201, expected('GET')]);
  assert.equal(reply.headers.get('set-cookie'), 'a=1, b=2');
  await using client = http2Client(platform.port);
  const other = await askHttp2(client.session, { ':path': '/a?b=c', x: '1' });
  assert.deepEqual([other.status, other.body], [201, expected('GET')]);
  assert.deepEqual(valuesOf(other.fields, 'set-cookie'), ['a=1', 'b=2']);
});

test('bodies and trailers pass both ways, as a call of gRPC has them', async () => {
  onStream = (stream) => {
    const heard: Record<string, unknown> = {};
    stream.on('trailers', (trailers) => Object.assign(heard, { trailers }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { ...RESPOND, waitForTrailers: true });
    stream.once('wantTrailers', () =>
      stream.sendTrailers({
        'grpc-status': '0',
        'x-heard': String((heard['trailers'] as IncomingHttpHeaders)['x-sum']),
      }),
    );
    stream.pipe(stream);
  };
  await using client = http2Client(platform.port);
  const stream = request(client.session, { ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
  let trailers: IncomingHttpHeaders = {};
  stream.once('trailers', (fields) => {
    trailers = fields;
  });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
  stream.write('one ');
  stream.end('two');
  assert.equal((await replyOf(stream)).body, 'one two');
  assert.deepEqual([trailers['grpc-status'], trailers['x-heard']], ['0', '42']);
});

test('trailers of any name, and those that come twice, pass as they are', async () => {
  onStream = (stream) => {
    let raw: readonly string[] = [];
    stream.on('trailers', (_trailers, _flags, fields: readonly string[]) => {
      raw = fields;
    });
    stream.resume().once('end', () => {
      stream.respond({ ':status': 200 }, RESPOND);
      stream.end(raw.join(' '));
    });
  };
  using client = rawClient(platform.port);
  const lines = 'constructor: 1\r\n__proto__: 2\r\netag: 3\r\netag: 4\r\n';
  client.send(`POST / HTTP/1.1\r\nhost: ${HOST}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${lines}\r\n`);
  assert.equal((await client.reply()).body, 'constructor 1 __proto__ 2 etag 3 etag 4');
});

test('an answer that ends with its head does so for the client too', async () => {
  onStream = (stream) => stream.respond({ ':status': 200, 'grpc-status': '12' }, { ...RESPOND, endStream: true });
  await using client = http2Client(platform.port);
  const stream = request(client.session, {});
  const isEnd = new Promise<boolean>((resolve) =>
    stream.once('response', (_headers, flags) => resolve((flags & 1) === 1)),
  );
  const { fields } = await replyOf(stream);
  assert.deepEqual([await isEnd, valuesOf(fields, 'grpc-status')], [true, ['12']]);
});

test('many requests at once are streams of one connection', async () => {
  onStream = (stream) => {
    stream.respond({ ':status': 200 }, RESPOND);
    setImmediate(() => stream.end('x'.repeat(1_000)));
  };
  await using client = http2Client(platform.port);
  const replies: Http2Reply[] = await Promise.all(Array.from({ length: 60 }, () => askHttp2(client.session)));
  assert.ok(replies.every(({ status, body }) => status === 200 && body.length === 1_000));
  assert.equal(connections, 1);
});

test('HEAD, 204, lengths and interim answers', async () => {
  onStream = (stream, { ':path': path }) => {
    if (path === '/hints') stream.additionalHeaders({ ':status': 103, link: '</a>' });
    const isNone = path === '/none';
    stream.respond(isNone ? { ':status': 204 } : { ':status': 200, 'content-length': 5 }, { endStream: isNone });
    if (!isNone) stream.end('hello');
  };
  using client = rawClient(platform.port);
  for (const [method, path, status, body] of [
    ['HEAD', '/', 200, ''],
    ['GET', '/none', 204, ''],
    ['GET', '/', 200, 'hello'],
    ['GET', '/hints', 103, ''],
  ] as const) {
    client.send(`${method} ${path} HTTP/1.1\r\nhost: local--app-web.localhost\r\n\r\n`);
    const reply = await client.reply(method === 'HEAD' || status < 200);
    assert.deepEqual([reply.status, reply.body], [status, body], path);
    if (method === 'HEAD') assert.equal(reply.headers.get('content-length'), '5');
  }
  assert.equal((await client.reply()).body, 'hello');
});

test('a large answer waits for a slow client, and holds up no other one', async () => {
  const LARGE = 64 * 1024 * 1024;
  let written = 0;
  onStream = (stream, { ':path': path }) => {
    stream.respond({ ':status': 200 }, RESPOND);
    if (path !== '/large') {
      stream.end('small');
      return;
    }
    const piece = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (written < LARGE) {
        written += piece.length;
        if (!stream.write(piece)) return void stream.once('drain', more);
      }
      stream.end();
    };
    more();
  };
  using slow = rawClient(platform.port);
  slow.socket.pause();
  slow.send('GET /large HTTP/1.1\r\nhost: local--app-web.localhost\r\n\r\n');
  await eventually('the container has begun', () => written > 0);
  assert.equal((await ask(platform.port, '/small')).body, 'small');
  assert.ok(written < LARGE, String(written));
  slow.socket.resume();
  assert.equal((await slow.reply()).body.length, LARGE);
});

test('a body of many megabytes arrives whole', async () => {
  onStream = (stream) => {
    let bytes = 0;
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    stream.once('end', () => {
      stream.respond({ ':status': 200 }, RESPOND);
      stream.end(String(bytes));
    });
  };
  const body = 'x'.repeat(20_000_000);
  assert.equal((await ask(platform.port, '/', `content-length: ${body.length}\r\n`, 'POST', body)).body, '20000000');
});

test('the container hears when the client gives a request up, and the connection goes on', async () => {
  const before = connections;
  const codes: (number | undefined)[] = [];
  let hasBegun = false;
  onStream = (stream) => {
    hasBegun = true;
    stream.once('close', () => codes.push(stream.rstCode));
  };
  using client = rawClient(platform.port);
  client.send('GET / HTTP/1.1\r\nhost: local--app-web.localhost\r\n\r\n');
  await eventually('it runs', () => hasBegun);
  client[Symbol.dispose]();
  await eventually('the stream is reset', () => codes.includes(CANCEL));
  assert.equal(connections, before);
});

test('a stream that breaks off in the middle is not taken for a whole answer', async () => {
  onStream = (stream) => {
    stream.respond({ ':status': 200 }, RESPOND);
    stream.write('part', () => stream.destroy(new Error('it breaks')));
  };
  await using client = http2Client(platform.port);
  await assert.rejects(replyOf(request(client.session, {})));
  onStream = (stream) => void stream.destroy(new Error('it breaks'));
  assert.equal((await ask(platform.port)).status, 502);
});

test('a connection that ends is opened anew', async () => {
  const before = connections;
  onStream = (stream) => stream.session?.destroy();
  assert.equal((await ask(platform.port)).status, 502);
  onStream = (stream) => {
    stream.respond({ ':status': 200 }, RESPOND);
    stream.end('again');
  };
  assert.equal((await ask(platform.port)).body, 'again');
  assert.equal(connections, before + 1);
});

test('a server that answers in HTTP/1.1 is told of by its reason; other protocols reach it in HTTP/1.1', async () => {
  await platform.report('ta-1', { state: nodeAgent.ContainerState.DRAINING });
  await platform.rawContainer('ta-2', (socket) => {
    socket.on('data', (bytes: Buffer) => {
      const isUpgrade = bytes.toString('latin1').includes('upgrade: chat');
      if (isUpgrade) socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nhi');
      else socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    });
  });
  await eventually('the other one serves', async () => (await ask(platform.port)).body === answers.notHttp2.text);
  const { status, body } = await ask(platform.port);
  assert.deepEqual([status, body], [502, answers.notHttp2.text]);
  using client = rawClient(platform.port);
  client.send('GET / HTTP/1.1\r\nhost: local--app-web.localhost\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n');
  assert.equal((await client.reply()).status, 101);
  assert.equal(await client.bytes(), 'hi');
});
