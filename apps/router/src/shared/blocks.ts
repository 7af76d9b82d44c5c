/** A block of shared memory: which one it is, counted from the first. */
export type BlockIndex = number;

/** Gives out the blocks that the threads count in; only the main thread does. */
export interface Blocks {
  /** So many blocks in a row, all zero. */
  take(count: number): BlockIndex;
  /** Nobody is told of them any more. They are given out again when they have rested and nothing is counted in them. */
  giveBack(at: BlockIndex, count: number): void;
  /** Whether so many can be had and leave a quarter for what must have a place: apps and containers. */
  canSpare(count: number): boolean;
}

export const BLOCK_BYTES = 32;
export const BLOCK_INTS = BLOCK_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** 8 MiB, of which the kernel gives what is written to. */
const BLOCKS_MAX = 262_144;
/** Longer than any request waits for a slot: by then no thread has a reference. */
const REST_MS = 15 * 60_000;
/** In every block of use: what runs, and what waits. The block is in use while either is not zero. */
const COUNTS = 2;

export function allocateBlocks(): SharedArrayBuffer {
  return new SharedArrayBuffer(BLOCKS_MAX * BLOCK_BYTES);
}

interface Resting {
  readonly at: BlockIndex;
  readonly sinceMs: number;
}

export function createBlocks(memory: SharedArrayBuffer, nowMs = (): number => performance.now()): Blocks {
  const ints = new Int32Array(memory);
  const most = memory.byteLength / BLOCK_BYTES;
  const resting = new Map<number, Resting[]>();
  let fresh = 0;
  const isCounted = ({ at }: Resting): boolean =>
    Array.from({ length: COUNTS }, (_, i) => Atomics.load(ints, at * BLOCK_INTS + i)).some((count) => count !== 0);
  /** The line is in order of time: behind the first that has not rested, none has. */
  const freeIn = (line: readonly Resting[]): number => {
    const until = nowMs() - REST_MS;
    const at = line.findIndex((resting) => resting.sinceMs > until || !isCounted(resting));
    return (line[at]?.sinceMs ?? Number.POSITIVE_INFINITY) > until ? -1 : at;
  };
  const takeRested = (count: number): BlockIndex | undefined => {
    const line = resting.get(count) ?? [];
    const free = freeIn(line);
    return free < 0 ? undefined : line.splice(free, 1)[0]?.at;
  };
  return {
    take(count) {
      const rested = takeRested(count);
      const at = rested ?? fresh;
      if (rested === undefined) fresh += count;
      if (fresh > most) throw new Error(`The ${most} blocks of shared memory are all in use.`);
      ints.fill(0, at * BLOCK_INTS, (at + count) * BLOCK_INTS);
      return at;
    },
    giveBack(at, count) {
      const line = resting.get(count) ?? [];
      line.push({ at, sinceMs: nowMs() });
      resting.set(count, line);
    },
    canSpare: (count) => fresh + count <= most * 0.75 || freeIn(resting.get(count) ?? []) >= 0,
  };
}
