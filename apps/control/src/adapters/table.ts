import type { BucketSpec } from '@portico/contracts';
import { type Bucket, type Nats, openBucket, type View, viewOf } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import { unreachable } from './unreachable.ts';

/** A bucket of ours: read from memory, written through, and what was written is read at once. */
export interface Table<T> extends AsyncDisposable {
  get(key: string): T | undefined;
  values(): T[];
  put(key: string, value: T): Promise<void>;
  /** DomainError `already-exists` if the key exists. */
  create(key: string, value: T): Promise<void>;
  /** Reads, changes and writes until nobody interferes; undefined leaves it as it is. */
  modify(key: string, change: (now: T | undefined) => T | undefined): Promise<T | undefined>;
  delete(key: string): Promise<void>;
  until<R>(find: () => R | undefined, signal: AbortSignal): Promise<R>;
}

const SEEN_WITHIN_MS = 10_000;

export async function openTable<T>(nats: Nats, spec: BucketSpec<T>, log: Logger): Promise<Table<T>> {
  const bucket = await openBucket(nats, spec, true);
  return tableOf(bucket, await viewOf(nats, bucket, spec.name, { log }));
}

function tableOf<T>(bucket: Bucket<T>, view: View<T>): Table<T> {
  const seen = async (key: string, revision: number): Promise<void> => {
    await view.until(
      () => ((view.revisionOf(key) ?? 0) >= revision ? true : undefined),
      AbortSignal.timeout(SEEN_WITHIN_MS),
    );
  };
  return {
    get: view.get,
    values: () => [...view.entries()].map(([, value]) => value),
    until: view.until,
    put: (key, value) => reaching(async () => seen(key, await bucket.put(key, value))),
    create: (key, value) => reaching(async () => seen(key, await bucket.create(key, value))),
    modify: (key, change) =>
      reaching(async () => {
        let isChanged = false;
        const after = await bucket.modify(key, (now) => {
          const next = change(now);
          isChanged = next !== undefined;
          return next;
        });
        const written = isChanged ? await bucket.get(key) : undefined;
        if (written) await seen(key, written.revision);
        return after;
      }),
    delete: (key) =>
      reaching(async () => {
        await bucket.delete(key);
        await view.until(() => (view.get(key) === undefined ? true : undefined), AbortSignal.timeout(SEEN_WITHIN_MS));
      }),
    [Symbol.asyncDispose]: () => view[Symbol.asyncDispose](),
  };
}

async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreachable(error);
  }
}
