import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { allocateBlocks } from '../src/shared/blocks.ts';
import { PoolCells } from '../src/shared/pool-cells.ts';
import { meshOf } from '../src/threads/mesh.ts';
import type { SlotWorkerData } from './slot-worker.ts';

const THREADS = 3;
const ROUNDS = 400;

for (const limit of [1, 4])
  test(`threads that want more than ${limit} at once never have more, and all get their turn`, async () => {
    const memory = allocateBlocks();
    const counts = new SharedArrayBuffer(8);
    const workers = meshOf(THREADS).map((peers, thread) => {
      const shared = { memory, counts, threads: THREADS, limit, rounds: ROUNDS, atOnce: 6 };
      const workerData: SlotWorkerData = { ...shared, thread, peers };
      const transferList = peers.filter((peer) => peer !== undefined);
      return new Worker(new URL('./slot-worker.ts', import.meta.url), { workerData, transferList });
    });
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    for (const worker of workers) worker.postMessage('end');
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    const cells = new PoolCells(memory, 0, THREADS);
    assert.deepEqual([cells.takeStarted(), cells.inFlight, cells.queued], [THREADS * 6 * ROUNDS, 0, 0]);
    assert.deepEqual([...new Int32Array(counts)], [0, limit]);
  });
