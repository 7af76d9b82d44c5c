import { JetStreamApiError } from '@nats-io/jetstream';
import type { KV, KvEntry, KvWatchEntry } from '@nats-io/kv';
import type { BucketSpec, Codec } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { Nats } from './connect-nats.ts';

export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  /** For compare-and-set. */
  readonly revision: number;
}

/** One change seen by a watch; `value` is undefined for a deleted key. */
export interface Change<T> {
  readonly key: string;
  readonly value: T | undefined;
  readonly revision: number;
}

/** Typed access to one key-value bucket. Writes are on disk when they return. */
export interface Bucket<T> {
  get(key: string): Promise<Entry<T> | undefined>;
  /** Unconditional write. */
  put(key: string, value: T): Promise<number>;
  /** DomainError `already-exists` if the key exists. */
  create(key: string, value: T): Promise<number>;
  /** DomainError `aborted` if someone wrote since `revision`. */
  update(key: string, value: T, revision: number): Promise<number>;
  delete(key: string, revision?: number): Promise<void>;
  /** Reads, changes and writes until nobody interferes. `change` returns undefined to leave it. */
  modify(key: string, change: (now: T | undefined) => T | undefined): Promise<T | undefined>;
  keys(filter?: string): Promise<string[]>;
  entries(filter?: string): Promise<Entry<T>[]>;
  /** First what is, then what changes; `onCaughtUp` is called between the two. Ends with the signal. */
  watch(options: { filter?: string; signal: AbortSignal; onCaughtUp?: () => void }): AsyncIterable<Change<T>>;
}

const WRONG_LAST_SEQUENCE = 10_071;

/** Opens a bucket; its owner creates it, everybody else waits for it. */
export async function openBucket<T>(nats: Nats, spec: BucketSpec<T>, isOwner: boolean): Promise<Bucket<T>> {
  const kv = isOwner
    ? await retrying(() => nats.kvm.create(spec.name, { history: 1, storage: 'file' }))
    : await retrying(() => openPresent(nats, spec.name));
  return bucketOf(kv, spec.codec, spec.name);
}

/** Opening alone would succeed for a bucket that its owner has not made yet. */
async function openPresent(nats: Nats, name: string): Promise<KV> {
  await nats.manager.streams.info(`KV_${name}`);
  return nats.kvm.open(name, { allow_direct: true });
}

async function retrying<R>(open: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (error instanceof Error && /permission/i.test(error.message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
}

function bucketOf<T>(kv: KV, codec: Codec<T>, name: string): Bucket<T> {
  const encode = (value: T): Uint8Array => codec.encode(value).finish();
  const get: Bucket<T>['get'] = async (key) => {
    const entry = await kv.get(key);
    if (entry?.operation !== 'PUT') return undefined;
    return { key, value: codec.decode(entry.value), revision: entry.revision };
  };
  const keys: Bucket<T>['keys'] = async (filter = '>') => {
    const found: string[] = [];
    for await (const key of await kv.keys(filter)) found.push(key);
    return found;
  };
  const create: Bucket<T>['create'] = (key, value) =>
    kv.create(key, encode(value)).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
      throw new DomainError('already-exists', 'state.exists', `${name} ${key} exists already.`, { cause: error });
    });
  const update: Bucket<T>['update'] = (key, value, revision) =>
    kv.update(key, encode(value), revision).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
      throw new DomainError('aborted', 'state.conflict', `${name} ${key} was changed by someone else; try again.`, {
        cause: error,
      });
    });
  return {
    get,
    keys,
    create,
    update,
    put: (key, value) => kv.put(key, encode(value)),
    delete: (key, revision) => kv.delete(key, revision === undefined ? {} : { previousSeq: revision }),
    modify: (key, change) => modify({ get, create, update }, key, change),
    async entries(filter) {
      const found = await Promise.all((await keys(filter)).map(get));
      return found.filter((entry) => entry !== undefined);
    },
    watch: (options) => watch(kv, codec, options),
  };
}

async function modify<T>(
  bucket: Pick<Bucket<T>, 'get' | 'create' | 'update'>,
  key: string,
  change: (now: T | undefined) => T | undefined,
): Promise<T | undefined> {
  for (;;) {
    const now = await bucket.get(key);
    const next = change(now?.value);
    if (next === undefined) return now?.value;
    try {
      await (now ? bucket.update(key, next, now.revision) : bucket.create(key, next));
      return next;
    } catch (error) {
      if (!(error instanceof DomainError) || (error.kind !== 'aborted' && error.kind !== 'already-exists')) throw error;
    }
  }
}

async function* watch<T>(
  kv: KV,
  codec: Codec<T>,
  { filter = '>', signal, onCaughtUp }: { filter?: string; signal: AbortSignal; onCaughtUp?: () => void },
): AsyncIterable<Change<T>> {
  const changes = await kv.watch({ key: filter });
  const stop = (): void => void changes.stop();
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop, { once: true });
  const first = await hasEntries(kv, filter);
  if (!first) onCaughtUp?.();
  let isCaughtUp = !first;
  for await (const entry of changes as AsyncIterable<KvWatchEntry>) {
    yield changeOf(entry, codec);
    if (!isCaughtUp && entry.isUpdate) {
      isCaughtUp = true;
      onCaughtUp?.();
    }
  }
}

async function hasEntries(kv: KV, filter: string): Promise<boolean> {
  for await (const _ of await kv.history({ key: filter })) return true;
  return false;
}

function changeOf<T>(entry: KvEntry, codec: Codec<T>): Change<T> {
  const value = entry.operation === 'PUT' ? codec.decode(entry.value) : undefined;
  return { key: entry.key, value, revision: entry.revision };
}
