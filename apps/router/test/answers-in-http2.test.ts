import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { askHttp2, http2Client, replyOf, request, valuesOf } from './http2-client.ts';
import { simulatedPlatform } from './simulated-platform.ts';

/** What HTTP/2 must not carry, and what node:http2 would rather not send. */
const ODD =
  'connection: x\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nupgrade: h2c\r\nhttp2-settings: x\r\nte: gzip\r\n' +
  'trailer: x\r\ncontent-type: a\r\ncontent-type: b\r\ndate: a\r\ndate: b\r\nage: 1\r\nage: 2\r\nx-empty:\r\nx-latin: \xe9\r\n' +
  "a!#$%&'*+-.^_`|~: b\r\nstatus: 200\r\nhost: h\r\nset-cookie: a\r\nset-cookie: b\r\n";
const ODD_TRAILERS =
  'keep-alive: x\r\nproxy-connection: x\r\nupgrade: x\r\nhttp2-settings: x\r\ncontent-type: a\r\ncontent-type: b\r\nx-sum: 1\r\n';

test('whatever a container sends of fields, the client gets an answer that HTTP/2 allows', async () => {
  await using odd = await simulatedPlatform();
  const answer =
    `HTTP/1.1 103 Early\r\n${ODD}\r\nHTTP/1.1 200 Fine\r\n${ODD}transfer-encoding: chunked\r\n\r\n` +
    `2\r\nok\r\n0\r\n${ODD_TRAILERS}\r\n`;
  await odd.rawContainer('ta-1', (socket) => socket.on('data', () => socket.write(answer, 'latin1')));
  await using client = http2Client(odd.port);
  for (let i = 0; i < 2; i++) {
    const stream = request(client.session);
    const trailers = once(stream, 'trailers');
    const { status, body, fields } = await replyOf(stream);
    assert.deepEqual([status, body], [200, 'ok']);
    for (const name of ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings', 'te', 'trailer'])
      assert.deepEqual(valuesOf(fields, name), [], name);
    assert.deepEqual(valuesOf(fields, 'content-type'), ['a', 'b']);
    assert.deepEqual([valuesOf(fields, 'x-empty'), valuesOf(fields, 'x-latin')], [[''], ['\xe9']]);
    assert.equal((await trailers)[0]['x-sum'], '1');
  }
});

test('an answer whose head is larger than clients take is a 502, and harms no other stream', async () => {
  await using large = await simulatedPlatform();
  await large.container('ta-1', (incoming, response) => {
    for (let i = 0; i < Number(incoming.url?.slice(1)); i++) response.setHeader(`x-${i}`, 'a'.repeat(1_000));
    response.end('whole');
  });
  await using client = http2Client(large.port, { settings: { maxHeaderListSize: 1024 ** 2 } });
  const answers = [];
  for (const [method, path] of [
    ['GET', '/90'],
    ['GET', '/110'],
    ['HEAD', '/110'],
    ['GET', '/1'],
  ] as const) {
    const { status, body } = await askHttp2(client.session, { ':method': method, ':path': path });
    answers.push([status, body]);
  }
  assert.deepEqual(answers, [
    [200, 'whole'],
    [502, 'modal-http: unreachable'],
    [502, ''],
    [200, 'whole'],
  ]);
});
