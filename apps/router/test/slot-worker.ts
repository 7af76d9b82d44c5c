import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { nodeAgent } from '@portico/contracts';
import type { Lease } from '../src/domain/lease.ts';
import { createPool } from '../src/domain/pool.ts';
import { ContainerCells } from '../src/shared/container-cells.ts';
import { PoolCells } from '../src/shared/pool-cells.ts';

/** What a thread that takes and gives back slots is given. */
export interface SlotWorkerData {
  readonly memory: SharedArrayBuffer;
  /** How many run, and the most that ever did, as this test counts them. */
  readonly counts: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
  readonly peers: readonly (MessagePort | undefined)[];
  readonly limit: number;
  readonly rounds: number;
  /** Requests of this thread that are under way at once. */
  readonly atOnce: number;
}

const { memory, counts, thread, threads, peers, limit, rounds, atOnce } = workerData as SlotWorkerData;
const [running, most] = [0, 1];
const seen = new Int32Array(counts);
const pool = createPool({
  ...{ poolId: 'po-1', cells: new PoolCells(memory, 0, threads), thread },
  passOn: (other, _poolId, tried) => peers[other]?.postMessage(tried),
});
for (const peer of peers) peer?.on('message', (tried: number) => pool.offer(tried));
const container = nodeAgent.Container.create({ containerId: 'a', state: nodeAgent.ContainerState.READY });
pool.update('a', container, new ContainerCells(memory, 10));

const never = new AbortController().signal;
const none: ReadonlySet<string> = new Set();

async function slot(): Promise<Lease> {
  const free = pool.tryAcquire(limit, none);
  if (free) return free;
  const granted = await pool.wait(limit, never, none);
  if (granted.kind !== 'lease') throw new Error(`there is no slot, but: ${granted.kind}`);
  return granted.lease;
}

async function ask(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const lease = await slot();
    const now = Atomics.add(seen, running, 1) + 1;
    for (let before = Atomics.load(seen, most); now > before; before = Atomics.load(seen, most))
      Atomics.compareExchange(seen, most, before, now);
    if (round % 3 === 0) await new Promise(setImmediate);
    Atomics.sub(seen, running, 1);
    lease.release();
  }
}

await Promise.all(Array.from({ length: atOnce }, ask));
parentPort?.postMessage('done');
// Others may still wait here for what is passed on to them.
parentPort?.once('message', () => {
  for (const peer of peers) peer?.close();
});
