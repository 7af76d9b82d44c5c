import { DeliverPolicy, JetStreamApiError, type JsMsg, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { StreamSpec } from '@portico/contracts';
import type { Nats } from './connect-nats.ts';

/** One message of a stream. */
export interface StreamEntry<T> {
  /** The stream's own number of it: a cursor that clients pass back. */
  readonly sequence: number;
  readonly value: T;
  readonly subject: string;
  /** When it was stored; milliseconds since the epoch. */
  readonly timeMs: number;
}

export interface ReadOptions {
  /** Id parts of the subject; `*` for any. Missing ones at the end mean any. */
  readonly parts?: readonly string[];
  /** Only entries after this one; 0 = from the start. */
  readonly afterSequence?: number;
  /** Only entries stored from then on; milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/** Typed access to one stream. */
export interface EventStream<T> {
  /** Returns the entry's number once it is stored. */
  publish(parts: readonly string[], value: T): Promise<number>;
  /** What is stored, oldest first, then it ends. */
  read(options: ReadOptions): AsyncIterable<StreamEntry<T>>;
  /** What is stored and then what comes, until the signal. */
  follow(options: ReadOptions): AsyncIterable<StreamEntry<T>>;
  /** Number of the newest entry, 0 if there never was one. */
  lastSequence(): Promise<number>;
  /** Removes the entries of a subject. */
  purge(parts: readonly string[]): Promise<void>;
}

const STREAM_NAME_IN_USE = 10_058;

/** Opens a stream; its owner creates it, everybody else waits for it. */
export async function openStream<T>(nats: Nats, spec: StreamSpec<T>, isOwner: boolean): Promise<EventStream<T>> {
  if (isOwner) await createStream(nats, spec);
  else await untilPresent(nats, spec.name);
  const subjectOf = (parts: readonly string[]): string => spec.subject(...parts);
  return {
    async publish(parts, value) {
      const ack = await nats.jetstream.publish(subjectOf(parts), spec.codec.encode(value).finish());
      return ack.seq;
    },
    read: (options) => entries(nats, spec, options, false),
    follow: (options) => entries(nats, spec, options, true),
    lastSequence: async () => (await nats.manager.streams.info(spec.name)).state.last_seq,
    async purge(parts) {
      await nats.manager.streams.purge(spec.name, { filter: subjectOf(parts) });
    },
  };
}

async function createStream<T>(nats: Nats, spec: StreamSpec<T>): Promise<void> {
  const config = {
    name: spec.name,
    subjects: [`${spec.prefix}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: spec.maxAgeMs * 1_000_000,
    max_bytes: spec.maxBytes,
    allow_direct: true,
  };
  try {
    await nats.manager.streams.add(config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NAME_IN_USE) throw error;
    await nats.manager.streams.update(spec.name, config);
  }
}

async function untilPresent(nats: Nats, name: string): Promise<void> {
  for (;;) {
    try {
      await nats.manager.streams.info(name);
      return;
    } catch (error) {
      if (error instanceof Error && /permission/i.test(error.message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function* entries<T>(
  nats: Nats,
  spec: StreamSpec<T>,
  options: ReadOptions,
  isEndless: boolean,
): AsyncIterable<StreamEntry<T>> {
  const consumer = await nats.jetstream.consumers.get(spec.name, {
    filter_subjects: filterOf(spec, options.parts ?? []),
    ...startOf(options),
  });
  let left = isEndless ? Number.POSITIVE_INFINITY : (await consumer.info()).num_pending;
  if (left === 0) return;
  const messages = await consumer.consume();
  const stop = (): void => void messages.stop();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    if (options.signal.aborted) return;
    for await (const message of messages) {
      yield entryOf(message, spec);
      left -= 1;
      if (left <= 0) return;
    }
  } finally {
    options.signal.removeEventListener('abort', stop);
    stop();
  }
}

function startOf({ afterSequence = 0, sinceMs }: ReadOptions): object {
  if (afterSequence > 0) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: afterSequence + 1 };
  if (sinceMs !== undefined) {
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(sinceMs).toISOString() };
  }
  return { deliver_policy: DeliverPolicy.All };
}

function filterOf<T>(spec: StreamSpec<T>, parts: readonly string[]): string {
  const wanted = spec.subject.length;
  const filled = Array.from({ length: wanted }, (_, i) => parts[i] ?? '*');
  return spec.subject(...filled);
}

function entryOf<T>(message: JsMsg, spec: StreamSpec<T>): StreamEntry<T> {
  return {
    sequence: message.seq,
    value: spec.codec.decode(message.data),
    subject: message.subject,
    timeMs: message.timestampNanos ? Number(message.timestampNanos / 1_000_000n) : Date.parse(message.timestamp),
  };
}
