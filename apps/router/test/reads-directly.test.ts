import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { directHandleOf } from '../src/http/direct-handle.ts';

const fail = (): never => assert.fail();
const unexpected = { onRead: fail, onWritten: fail, onFailure: fail };

test('the pinned Node has what sockets are written and read with directly', async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const buffer = Buffer.alloc(100);
  const heard = Promise.withResolvers<number>();
  const socket = connect({
    port: (server.address() as AddressInfo).port,
    onread: { buffer, callback: () => assert.fail('heard by the socket') },
  });
  await once(socket, 'connect');
  const direct = directHandleOf(socket, {
    ...unexpected,
    onRead(length) {
      heard.resolve(length);
      return undefined;
    },
  });
  assert.ok(direct);
  assert.ok(direct.writeText('hello, '));
  assert.ok(direct.write(Buffer.from('world')));
  const length = await heard.promise;
  assert.ok('hello, world'.startsWith(buffer.toString('latin1', 0, length)) && length > 0);
  const ended = once(socket.resume(), 'end');
  socket.end();
  await ended;
  server.close();
});

test('a socket without a handle, or with another one, is left alone', () => {
  for (const handle of [null, undefined, {}, { onread: () => undefined }])
    assert.equal(directHandleOf({ _handle: handle } as never, unexpected), undefined);
});
