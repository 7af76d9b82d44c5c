import type { BucketSpec } from '@portico/contracts';
import type { Logger } from '@portico/telemetry';
import { type Bucket, type Change, openBucket } from './bucket.ts';
import type { Nats } from './connect-nats.ts';

/** A bucket held in memory. It keeps what it knows while NATS is away and catches up afterwards. */
export interface View<T> extends AsyncDisposable {
  get(key: string): T | undefined;
  revisionOf(key: string): number | undefined;
  entries(): IterableIterator<[string, T]>;
  readonly size: number;
  /** Resolves as soon as `find` gives something for the state, now or after a change; rejects with the signal's reason. */
  until<R>(find: () => R | undefined, signal: AbortSignal): Promise<R>;
}

export interface ViewOptions<T> {
  readonly log: Logger;
  readonly filter?: string;
  /** Called for every change, also for those of the first load (then before `openView` returns). `before` is what was known. */
  readonly onChange?: (change: Change<T>, before: T | undefined) => void;
}

interface Known<T> {
  readonly value: T;
  readonly revision: number;
}

/** Loads a bucket and follows it. Returns when the first load is done. */
export async function openView<T>(nats: Nats, spec: BucketSpec<T>, options: ViewOptions<T>): Promise<View<T>> {
  const bucket = await openBucket(nats, spec, false);
  return viewOf(nats, bucket, spec.name, options);
}

/** The same over a bucket that is open already, for its owner. */
export async function viewOf<T>(
  nats: Nats,
  bucket: Bucket<T>,
  name: string,
  options: ViewOptions<T>,
): Promise<View<T>> {
  const known = new Map<string, Known<T>>();
  const waiting = new Set<() => void>();
  const closed = new AbortController();
  const loaded = Promise.withResolvers<void>();
  const apply = (change: Change<T>): void => {
    const before = known.get(change.key);
    if (before && before.revision >= change.revision) return;
    if (change.value === undefined) {
      if (!before) return;
      known.delete(change.key);
    } else known.set(change.key, { value: change.value, revision: change.revision });
    options.onChange?.(change, before?.value);
    for (const check of [...waiting]) check();
  };
  const following = follow({
    nats,
    bucket,
    name,
    options,
    known,
    apply,
    closed: closed.signal,
    onLoaded: loaded.resolve,
  });
  await loaded.promise;
  return {
    get: (key) => known.get(key)?.value,
    revisionOf: (key) => known.get(key)?.revision,
    entries: () => valuesOf(known),
    get size() {
      return known.size;
    },
    until: (find, signal) => until(waiting, find, signal),
    async [Symbol.asyncDispose]() {
      closed.abort();
      await following;
    },
  };
}

function* valuesOf<T>(known: ReadonlyMap<string, Known<T>>): IterableIterator<[string, T]> {
  for (const [key, { value }] of known) yield [key, value];
}

function until<R>(waiting: Set<() => void>, find: () => R | undefined, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      waiting.delete(check);
      signal.removeEventListener('abort', giveUp);
    };
    const check = (): void => {
      const found = find();
      if (found === undefined) return;
      end();
      resolve(found);
    };
    const giveUp = (): void => {
      end();
      reject(signal.reason as Error);
    };
    waiting.add(check);
    check();
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

interface Following<T> {
  readonly nats: Nats;
  readonly bucket: Bucket<T>;
  readonly name: string;
  readonly options: ViewOptions<T>;
  readonly known: Map<string, Known<T>>;
  readonly apply: (change: Change<T>) => void;
  readonly closed: AbortSignal;
  readonly onLoaded: () => void;
}

/** Watches, and watches anew after every reconnect, since what happened in between was not seen. */
async function follow<T>(following: Following<T>): Promise<void> {
  const { nats, closed, options, name } = following;
  while (!closed.aborted && !nats.connection.isClosed()) {
    const session = new AbortController();
    const end = (): void => session.abort();
    closed.addEventListener('abort', end, { once: true });
    void onceReconnected(nats, session.signal).then(end);
    try {
      await watchOnce(following, session.signal);
    } catch (error) {
      if (closed.aborted) return;
      options.log.warn({ err: error, bucket: name }, 'Watching stopped; trying again');
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      session.abort();
      closed.removeEventListener('abort', end);
    }
  }
}

async function watchOnce<T>(
  { bucket, options, known, apply, onLoaded }: Following<T>,
  signal: AbortSignal,
): Promise<void> {
  const missing = new Set(known.keys());
  const onCaughtUp = (): void => {
    for (const key of missing) {
      apply({ key, value: undefined, revision: Number.MAX_SAFE_INTEGER });
    }
    onLoaded();
  };
  const watched = bucket.watch({ signal, onCaughtUp, ...(options.filter ? { filter: options.filter } : {}) });
  for await (const change of watched) {
    missing.delete(change.key);
    apply(change);
  }
}

async function onceReconnected(nats: Nats, signal: AbortSignal): Promise<void> {
  for await (const status of nats.connection.status()) {
    if (signal.aborted || status.type === 'reconnect') return;
  }
}
