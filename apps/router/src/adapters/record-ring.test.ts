import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndedRequest } from '../domain/ended-request.ts';
import { allocateRing, readerOf, writerOf } from './record-ring.ts';

function recordOf(changes: Partial<EndedRequest> = {}): EndedRequest {
  return {
    beganMs: 1_700_000_000_000.25,
    endedMs: 1_700_000_000_001.5,
    queuedMs: 0,
    dispatchedMs: 1_700_000_000_000.5,
    firstByteMs: 1_700_000_000_001,
    sentAwayMs: 0,
    status: 200,
    method: 'GET',
    host: 'local--app-web.localhost',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    parentSpanId: 'c'.repeat(16),
    containerId: 'ta-1',
    error: '',
    ...changes,
  };
}

test('what is written is read, once and in order', () => {
  const ring = allocateRing();
  const [writer, reader] = [writerOf(ring), readerOf(ring)];
  const records = [recordOf(), recordOf({ status: 499, parentSpanId: '', error: 'the container broke off' })];
  for (const record of records) writer.write(record);
  const read: EndedRequest[] = [];
  reader.drain((record) => read.push(record));
  reader.drain((record) => read.push(record));
  assert.deepEqual(read, records);
});

test('a full ring drops what is new, and has room again once it was read', () => {
  const ring = allocateRing();
  const [writer, reader] = [writerOf(ring), readerOf(ring)];
  for (let i = 0; i < 5_000; i++) writer.write(recordOf({ status: i }));
  const statuses: number[] = [];
  reader.drain(({ status }) => statuses.push(status));
  assert.equal(statuses.length + reader.takeDropped(), 5_000);
  assert.deepEqual(
    statuses,
    statuses.map((_, i) => i),
  );
  writer.write(recordOf({ status: 7 }));
  reader.drain(({ status }) => statuses.push(status));
  assert.equal(statuses.at(-1), 7);
  assert.equal(reader.takeDropped(), 0);
});

test('long texts are cut and spoil nothing beside them', () => {
  const ring = allocateRing();
  const [writer, reader] = [writerOf(ring), readerOf(ring)];
  const long = 'x'.repeat(1_000);
  writer.write(recordOf({ method: long, host: long, traceparent: long, containerId: long, error: long }));
  writer.write(recordOf());
  const read: EndedRequest[] = [];
  reader.drain((record) => read.push(record));
  assert.equal(read[0]?.host.length, 253);
  assert.deepEqual(read[1], recordOf());
});
