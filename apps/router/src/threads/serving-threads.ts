import { join } from 'node:path';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Logger } from '@portico/telemetry';
import type { Limits } from '../config.ts';
import { meshOf } from './mesh.ts';
import type { ToMain, ToServing } from './messages.ts';

/** What a thread that serves is given when it starts. */
export interface ServingData {
  /** Which of them it is, from 0. */
  readonly thread: number;
  readonly threads: number;
  /** What all threads count in. */
  readonly memory: SharedArrayBuffer;
  /** Where it tells of requests that are over; absent = nobody wants to know. */
  readonly ring: SharedArrayBuffer | undefined;
  /** To the other threads, by their number; none at its own. */
  readonly peers: readonly (MessagePort | undefined)[];
  /** Where each thread answers the others, by its number. */
  readonly privateSockets: readonly string[];
  readonly limits: Limits;
  /** Address that requests come to. */
  readonly host: string;
  readonly graceMs: number;
  readonly logLevel: string;
}

/** The threads through which all requests go. */
export interface ServingThreads extends AsyncDisposable {
  /** Says something to all of them. */
  tell(message: ToServing): void;
  /** Lets them take requests. Throws when a port is not free. */
  listen(port: number, httpsPort: number | undefined): Promise<ListeningOn>;
  /** They take no more, and end what they have. Disposing does not wait for that. */
  stop(): Promise<void>;
  /** The share of its time that each has spent with work since this was asked last. */
  utilization(): number[];
}

export type ListeningOn = Pick<Extract<ToMain, { kind: 'listening' }>, 'port' | 'httpsPort'>;

export interface ServingOptions extends Pick<ServingData, 'threads' | 'memory' | 'limits' | 'host' | 'graceMs'> {
  readonly openRing: () => SharedArrayBuffer | undefined;
  /** Folder for the sockets between the threads. */
  readonly folder: string;
  /** What they say, but for what is waited for here. */
  readonly onMessage: (message: ToMain) => void;
  readonly log: Logger;
}

/** A thread that has stopped ends by itself; one that still starts, or holds something, is ended after this long. */
const END_WITHIN_MS = 1_000;

/** The program of a serving thread, beside the one of the main thread: as source, or bundled. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? '../serving-main.ts' : './serving-main.js', import.meta.url);

/** Starts the threads; they listen later. One that fails takes the process with it: its requests are lost anyway. */
export function startServingThreads(options: ServingOptions): ServingThreads {
  const { threads, memory, limits, host, graceMs, log } = options;
  const meshes = meshOf(threads);
  const privateSockets = meshes.map((_, thread) => join(options.folder, `router-${thread}.sock`));
  const workers = meshes.map((peers, thread) => {
    const shared = { thread, threads, memory, peers, privateSockets, limits, host, graceMs, logLevel: log.level };
    const workerData: ServingData = { ...shared, ring: options.openRing() };
    const transferList = peers.filter((peer) => peer !== undefined);
    return new Worker(PROGRAM, { name: `router-${thread}`, workerData, transferList });
  });
  let isOver = false;
  const ends = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  for (const worker of workers) {
    worker.on('message', options.onMessage);
    worker.on('error', (error) => {
      log.fatal({ err: error, thread: worker.threadId }, 'A thread that serves requests has failed');
      throw error;
    });
    worker.on('exit', (code) => {
      if (!isOver) throw new Error(`A thread that serves requests has ended by itself, with ${code}.`);
    });
  }
  const tell = (message: ToServing): void => {
    for (const worker of workers) worker.postMessage(message);
  };
  const seen = workers.map((worker) => worker.performance.eventLoopUtilization());
  return {
    tell,
    async listen(port, httpsPort) {
      let on: ListeningOn = { port, httpsPort };
      for (const worker of workers) {
        worker.postMessage({ ...on, kind: 'listen' } satisfies ToServing);
        on = await said(worker, 'listening');
      }
      return on;
    },
    async stop() {
      isOver = true;
      const stopped = workers.map((worker) => said(worker, 'stopped'));
      tell({ kind: 'stop' });
      await Promise.all(stopped);
    },
    utilization: () =>
      workers.map((worker, thread) => {
        const now = worker.performance.eventLoopUtilization();
        const { utilization } = worker.performance.eventLoopUtilization(now, seen[thread]);
        seen[thread] = now;
        return utilization;
      }),
    async [Symbol.asyncDispose]() {
      isOver = true;
      tell({ kind: 'stop' });
      const { promise: isTime, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, END_WITHIN_MS);
      await Promise.race([Promise.all(ends), isTime]);
      clearTimeout(timer);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The next thing of this kind that a thread says; rejects when it fails before. */
function said<K extends ToMain['kind']>(worker: Worker, kind: K): Promise<Extract<ToMain, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const hear = (message: ToMain): void => {
      if (message.kind !== kind) return;
      worker.off('message', hear).off('error', reject);
      resolve(message as Extract<ToMain, { kind: K }>);
    };
    worker.on('message', hear).once('error', reject);
  });
}
