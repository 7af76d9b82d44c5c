import { BLOCK_INTS, type BlockIndex } from './blocks.ts';

const IN_FLIGHT = 0;
const QUEUED = 1;
const STARTED = 2;
const LAST_TICKET = 3;
/** For each thread, the ticket of the one that has waited longest there; 0 = nobody waits there. */
const HEADS = 4;
/** One bit for each thread, in what goes from one to another. */
export const THREADS_MAX = 31;

/** What the threads of a router share of a pool: how much it has to do, and where the next in line waits. */
export class PoolCells {
  readonly #ints: Int32Array;
  readonly #threads: number;

  constructor(memory: SharedArrayBuffer, at: BlockIndex, threads: number) {
    const length = PoolCells.blocks(threads) * BLOCK_INTS;
    this.#ints = new Int32Array(memory, at * BLOCK_INTS * Int32Array.BYTES_PER_ELEMENT, length);
    this.#threads = threads;
  }

  static blocks(threads: number): number {
    return Math.ceil((HEADS + threads) / BLOCK_INTS);
  }

  get inFlight(): number {
    return Atomics.load(this.#ints, IN_FLIGHT);
  }

  get queued(): number {
    return Atomics.load(this.#ints, QUEUED);
  }

  begin(): void {
    Atomics.add(this.#ints, IN_FLIGHT, 1);
    Atomics.add(this.#ints, STARTED, 1);
  }

  end(): void {
    Atomics.sub(this.#ints, IN_FLIGHT, 1);
  }

  /** Requests that have begun since it was asked last. */
  takeStarted(): number {
    return Atomics.exchange(this.#ints, STARTED, 0);
  }

  /** One more waits; whether it is the first of all threads. */
  joinLine(): boolean {
    return Atomics.add(this.#ints, QUEUED, 1) === 0;
  }

  /** A place in the line of all threads. Never 0. */
  takeTicket(): number {
    return (Atomics.add(this.#ints, LAST_TICKET, 1) + 1) | 0 || this.takeTicket();
  }

  /** One does not wait any more. */
  leaveLine(): void {
    Atomics.sub(this.#ints, QUEUED, 1);
  }

  /** Who has waited longest in a thread; 0 when nobody waits there. */
  setHead(thread: number, ticket: number): void {
    Atomics.store(this.#ints, HEADS + thread, ticket);
  }

  /** The thread where the one waits who has waited longest, among threads that are not in `tried`; -1 if nobody does. */
  firstInLine(tried: number): number {
    let first = -1;
    let ticket = 0;
    for (let thread = 0; thread < this.#threads; thread++) {
      if (tried & (1 << thread)) continue;
      const head = Atomics.load(this.#ints, HEADS + thread);
      // Tickets run over: what counts is which of two came before.
      if (head !== 0 && (first < 0 || ((head - ticket) | 0) < 0)) [first, ticket] = [thread, head];
    }
    return first;
  }
}
