import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buckets, nodeAgent, router, streams, subjects } from '@portico/contracts';
import { eventually, natsServer, silentLog } from '@portico/testing';
import { connectNats, openBucket, openStream, openView, publish, subscribe } from '../src/index.ts';

const node = (hostName: string) => nodeAgent.Node.create({ nodeId: 'no-1', hostName });

test('a bucket keeps values, refuses stale writes, and a view of another service follows it', async () => {
  await using server = await natsServer();
  await using agent = await connectNats(server.optionsOf('node-agent'), silentLog);
  await using scaler = await connectNats(server.optionsOf('autoscaler'), silentLog);
  const nodes = await openBucket(agent, buckets.nodes, true);
  await using view = await openView(scaler, buckets.nodes, { log: silentLog });
  assert.equal(view.size, 0);
  const first = await nodes.create('no-1', node('a'));
  await eventually('the view sees the node', () => view.get('no-1')?.hostName === 'a');
  await nodes.update('no-1', node('b'), first);
  await assert.rejects(nodes.update('no-1', node('c'), first), { kind: 'aborted' });
  await assert.rejects(nodes.create('no-1', node('c')), { kind: 'already-exists' });
  assert.equal((await nodes.get('no-1'))?.value.hostName, 'b');
  await nodes.modify('no-1', (now) => node(`${now?.hostName}!`));
  await eventually('the view sees the change', () => view.get('no-1')?.hostName === 'b!');
  assert.deepEqual(await nodes.keys(), ['no-1']);
  await using late = await openView(scaler, buckets.nodes, { log: silentLog });
  assert.equal(late.get('no-1')?.hostName, 'b!');
  await nodes.delete('no-1');
  await eventually('the view forgets the node', () => view.size === 0);
  await nodes.create('no-1', node('again'));
  await eventually('the view sees it again', () => view.get('no-1')?.hostName === 'again');
});

test('a view keeps what it knows while the server is away and catches up when it is back', async () => {
  await using server = await natsServer();
  await using agent = await connectNats(server.optionsOf('node-agent'), silentLog);
  await using scaler = await connectNats(server.optionsOf('autoscaler'), silentLog);
  const nodes = await openBucket(agent, buckets.nodes, true);
  await nodes.put('no-1', node('a'));
  await nodes.put('no-2', node('x'));
  await using view = await openView(scaler, buckets.nodes, { log: silentLog });
  await server.kill();
  assert.equal(view.get('no-1')?.hostName, 'a');
  await server.start();
  await eventually('a write works again', async () => (await nodes.put('no-1', node('b'))) > 0);
  await nodes.delete('no-2');
  await eventually('the view caught up', () => view.get('no-1')?.hostName === 'b' && view.size === 1);
});

test('a stream is read from a cursor and followed', async () => {
  await using server = await natsServer();
  await using agent = await connectNats(server.optionsOf('node-agent'), silentLog);
  await using control = await connectNats(server.optionsOf('control'), silentLog);
  const own = await openStream(agent, streams.logs, true);
  const logs = await openStream(control, streams.logs, false);
  const batch = (data: string) => nodeAgent.LogBatch.create({ items: [{ data, source: 1, timeUnixNano: 1n }] });
  const signal = AbortSignal.timeout(10_000);
  const one = await own.publish(['ap-1', 'ta-1'], batch('one'));
  await own.publish(['ap-2', 'ta-9'], batch('other'));
  await own.publish(['ap-1', 'ta-2'], batch('two'));
  const read = await Array.fromAsync(logs.read({ parts: ['ap-1'], signal }), (entry) => entry.value.items[0]?.data);
  assert.deepEqual(read, ['one', 'two']);
  const after = await Array.fromAsync(
    logs.read({ parts: ['ap-1'], afterSequence: one, signal }),
    (entry) => entry.value.items[0]?.data,
  );
  assert.deepEqual(after, ['two']);
  assert.deepEqual(await Array.fromAsync(logs.read({ parts: ['ap-none'], signal })), []);
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const entry of logs.follow({ parts: ['ap-1'], afterSequence: one, signal: stop.signal }))
      seen.push(entry.value.items[0]?.data ?? '');
  })();
  await eventually('the stored entry is seen', () => seen.length === 1);
  await own.publish(['ap-1', 'ta-1'], batch('three'));
  await eventually('the new entry is seen', () => seen[1] === 'three');
  stop.abort();
  await following;
});

test('a user may write only its own buckets and subjects', async () => {
  await using server = await natsServer();
  await using agent = await connectNats(server.optionsOf('node-agent'), silentLog);
  await using edge = await connectNats(server.optionsOf('router'), silentLog);
  await using scaler = await connectNats(server.optionsOf('autoscaler'), silentLog);
  await openBucket(agent, buckets.containers, true);
  const foreign = await openBucket(edge, buckets.containers, false);
  await assert.rejects(foreign.put('ta-1', nodeAgent.Container.create({})));
  const woken: string[] = [];
  await using _heard = subscribe(
    scaler,
    subjects.poolWake,
    (wake, id) => woken.push(`${id} ${wake.queued}`),
    silentLog,
  );
  await scaler.connection.flush();
  publish(edge, subjects.poolWake, 'po-1', router.PoolWake.create({ poolId: 'po-1', queued: 3 }));
  await eventually('the wake is heard', () => woken[0] === 'po-1 3');
});
