import { nodeAgent } from '@portico/contracts';
import type { ContainerCells } from '../shared/container-cells.ts';
import type { PoolCells } from '../shared/pool-cells.ts';
import type { Answer } from './answers.ts';
import type { Granted, Lease } from './lease.ts';
import { createLine, type Line } from './line.ts';
import { createSlots, type Slot } from './slots.ts';

/**
 * The containers of one pool, their slots, and who waits for one. Every thread has its own, over the same counters: no
 * container ever has more than its limit, and who waits is served in the order of waiting, whichever thread it is in.
 */
export interface Pool {
  readonly poolId: string;
  /** In all threads. */
  readonly queued: number;
  /** In all threads, with the requests that draining containers still have. */
  readonly inFlight: number;
  readonly hasReady: boolean;
  /** Requests that have begun in any thread since this was asked last. */
  takeStarted(): number;
  /** A container has said something new of itself; undefined = it is gone. */
  update(containerId: string, container: nodeAgent.Container | undefined, cells: ContainerCells): void;
  /** It gets no more work, whatever it says of itself: it is stuck, and somebody has been told. */
  setAside(containerId: string): void;
  /** It may have work again, if it is still there. */
  takeBack(containerId: string): void;
  /**
   * A free slot at once, or nothing: also when others wait. It is in the least loaded container; with an affinity key in
   * the one that requests with this key prefer. `except` was tried already.
   */
  tryAcquire(limit: number, except: ReadonlySet<string>, affinityKey?: string): Lease | undefined;
  /** Waits for a slot; the signal is the caller leaving or its time running out. `onJoined` hears at once whether nobody did. */
  wait(
    limit: number,
    signal: AbortSignal,
    except: ReadonlySet<string>,
    onJoined?: (isFirst: boolean) => void,
  ): Promise<Granted>;
  /** There may be a free slot: it goes to who has waited longest. `tried` = threads that had no use for it. */
  offer(tried: number): void;
  /** Ends the waiting of all in this thread, as when the start-up has failed. */
  refuseAll(answer: Answer): void;
  /** Lets all who wait in this thread go where their requests lead now. */
  moveAll(): void;
  inFlightByContainer(): Map<string, number>;
}

export interface PoolOptions {
  readonly poolId: string;
  readonly cells: PoolCells;
  /** Which of the threads this is, from 0; one that never waits has none. */
  readonly thread: number;
  /** Offers a slot to those who wait in another thread. */
  readonly passOn: (thread: number, poolId: string, tried: number) => void;
}

const { READY } = nodeAgent.ContainerState;

export function createPool(options: PoolOptions): Pool {
  return new ThreadPool(options);
}

/** A class: there may be thousands, and what every request does with one must be the same code for all. */
class ThreadPool implements Pool {
  readonly poolId: string;
  readonly offer: Pool['offer'];
  readonly #cells: PoolCells;
  readonly #slots = createSlots();
  readonly #line: Line;

  constructor({ poolId, cells, thread, passOn }: PoolOptions) {
    this.poolId = poolId;
    this.#cells = cells;
    this.#line = createLine(cells, thread);
    this.offer = offerer({ poolId, cells, thread, passOn }, this.#line, (limit, except) =>
      this.#acquire(limit, except, ''),
    );
  }

  get queued(): number {
    return this.#cells.queued;
  }

  get inFlight(): number {
    return this.#cells.inFlight;
  }

  get hasReady(): boolean {
    return this.#slots.hasUsable;
  }

  takeStarted(): number {
    return this.#cells.takeStarted();
  }

  update(containerId: string, container: nodeAgent.Container | undefined, ofContainer: ContainerCells): void {
    if (container?.state !== READY) return this.#slots.drop(containerId);
    this.#slots.keep(containerId, container, ofContainer);
    this.offer(0);
  }

  setAside(containerId: string): void {
    this.#slots.setAside(containerId, true);
  }

  takeBack(containerId: string): void {
    this.#slots.setAside(containerId, false);
    this.offer(0);
  }

  tryAcquire(limit: number, except: ReadonlySet<string>, affinityKey = ''): Lease | undefined {
    return this.#cells.queued > 0 ? undefined : this.#acquire(limit, except, affinityKey);
  }

  wait(
    limit: number,
    signal: AbortSignal,
    except: ReadonlySet<string>,
    onJoined?: (isFirst: boolean) => void,
  ): Promise<Granted> {
    const isFirst = this.#cells.joinLine();
    const granted = this.#line.join({ limit, except }, signal);
    onJoined?.(isFirst);
    // One that became free while this one took its place was offered to nobody.
    if (this.#slots.hasFree(limit, except)) this.offer(0);
    return granted;
  }

  refuseAll(answer: Answer): void {
    this.#line.dismiss({ kind: 'refused', answer });
  }

  moveAll(): void {
    this.#line.dismiss({ kind: 'moved' });
  }

  inFlightByContainer(): Map<string, number> {
    return this.#slots.inFlight();
  }

  #acquire(limit: number, except: ReadonlySet<string>, affinityKey: string): Lease | undefined {
    const slot = this.#slots.take(limit, except, affinityKey);
    return slot && new TakenSlot(slot, this.#cells, this.offer);
  }
}

/** Gives slots that may be free to those who have waited longest, here or in another thread. */
function offerer(
  { poolId, cells, thread, passOn }: PoolOptions,
  line: Line,
  acquire: (limit: number, except: ReadonlySet<string>) => Lease | undefined,
): Pool['offer'] {
  /** False when all slots are taken, so that nobody else need try. */
  const serveOwn = (): boolean => {
    for (const waiter of line.waiters) {
      const lease = acquire(waiter.limit, waiter.except);
      if (!lease && waiter.except.size === 0) return false;
      if (!lease) continue;
      line.leave(waiter);
      waiter.grant({ kind: 'lease', lease });
    }
    return true;
  };
  return (tried) => {
    if (cells.queued === 0) return;
    for (let without = tried; ; without |= 1 << thread) {
      const first = cells.firstInLine(without);
      if (first < 0) return;
      if (first !== thread) return passOn(first, poolId, without);
      if (!serveOwn()) return;
    }
  };
}

/** A slot that is taken. It counts until it is given back, once. */
class TakenSlot implements Lease {
  readonly container: nodeAgent.Container;
  readonly #ofContainer: ContainerCells;
  readonly #ofPool: PoolCells;
  readonly #offer: Pool['offer'];
  #isReleased = false;

  constructor({ container, cells }: Slot, ofPool: PoolCells, offer: Pool['offer']) {
    ofPool.begin();
    this.container = container;
    this.#ofContainer = cells;
    this.#ofPool = ofPool;
    this.#offer = offer;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#ofContainer.giveBack();
    this.#ofPool.end();
    this.#offer(0);
  }
}
