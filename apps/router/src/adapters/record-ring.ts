import type { EndedRequest } from '../domain/ended-request.ts';

/** Records that fit in a ring, and the room of each: 2.5 MiB together. */
const RECORDS = 4_096;
const RECORD_BYTES = 640;
/** Two counters before the records: written so far, and read so far. Both run over. */
const HEAD_BYTES = 64;
const WRITTEN = 0;
const READ = 1;
const DROPPED = 2;

const TIMES = ['beganMs', 'endedMs', 'queuedMs', 'dispatchedMs', 'firstByteMs', 'sentAwayMs'] as const;
/** Text fields and the most bytes of each; what is longer is cut. */
const TEXTS = [
  ['method', 24],
  ['host', 253],
  ['traceparent', 55],
  ['parentSpanId', 16],
  ['containerId', 64],
  ['error', 120],
] as const;
const STATUS_AT = TIMES.length * 8;
const TEXTS_AT = STATUS_AT + 2;

/** Memory of one ring; it may be given to another thread. */
export function allocateRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + RECORDS * RECORD_BYTES);
}

/** The end of a ring on which requests are served: one thread writes, and never waits. */
export interface RecordWriter {
  /** A full ring drops the record and counts that. */
  write(record: EndedRequest): void;
}

/** The end that tells: one thread reads. */
export interface RecordReader {
  /** Hands over what was written since the last time. */
  drain(take: (record: EndedRequest) => void): void;
  /** Records that found no room, since the last time. */
  takeDropped(): number;
}

export function writerOf(ring: SharedArrayBuffer): RecordWriter {
  const counters = new Int32Array(ring, 0, 3);
  const bytes = Buffer.from(ring, HEAD_BYTES);
  return {
    write(record) {
      const written = Atomics.load(counters, WRITTEN);
      if (((written - Atomics.load(counters, READ)) | 0) >= RECORDS) {
        Atomics.add(counters, DROPPED, 1);
        return;
      }
      encode(bytes, placeOf(written), record);
      Atomics.store(counters, WRITTEN, (written + 1) | 0);
    },
  };
}

export function readerOf(ring: SharedArrayBuffer): RecordReader {
  const counters = new Int32Array(ring, 0, 3);
  const bytes = Buffer.from(ring, HEAD_BYTES);
  return {
    drain(take) {
      const written = Atomics.load(counters, WRITTEN);
      for (let read = Atomics.load(counters, READ); read !== written; read = (read + 1) | 0) {
        const record = decode(bytes, placeOf(read));
        Atomics.store(counters, READ, (read + 1) | 0);
        take(record);
      }
    },
    takeDropped: () => Atomics.exchange(counters, DROPPED, 0),
  };
}

function placeOf(count: number): number {
  return ((count >>> 0) % RECORDS) * RECORD_BYTES;
}

function encode(bytes: Buffer, at: number, record: EndedRequest): void {
  for (const [i, name] of TIMES.entries()) bytes.writeDoubleLE(record[name], at + i * 8);
  bytes.writeUInt16LE(record.status, at + STATUS_AT);
  let next = at + TEXTS_AT;
  for (const [name, most] of TEXTS) {
    const length = bytes.write(record[name], next + 1, most, 'latin1');
    bytes[next] = length;
    next += 1 + length;
  }
}

function decode(bytes: Buffer, at: number): EndedRequest {
  let next = at + TEXTS_AT;
  const text = (): string => {
    const from = next + 1;
    next = from + (bytes[next] ?? 0);
    return bytes.toString('latin1', from, next);
  };
  const time = (index: number): number => bytes.readDoubleLE(at + index * 8);
  const [beganMs, endedMs, queuedMs] = [time(0), time(1), time(2)];
  const [dispatchedMs, firstByteMs, sentAwayMs] = [time(3), time(4), time(5)];
  const [method, host, traceparent] = [text(), text(), text()];
  const [parentSpanId, containerId, error] = [text(), text(), text()];
  const status = bytes.readUInt16LE(at + STATUS_AT);
  const times = { beganMs, endedMs, queuedMs, dispatchedMs, firstByteMs, sentAwayMs };
  return { ...times, status, method, host, traceparent, parentSpanId, containerId, error };
}
