import { nodeAgent } from '@portico/contracts';
import { type Answer, answers } from './answers.ts';

/** A ready container and what it has to do now. */
export interface Slot {
  container: nodeAgent.Container;
  inFlight: number;
  isSetAside: boolean;
}

/** A slot in a container, to be given back exactly once. */
export interface Lease {
  readonly container: nodeAgent.Container;
  release(): void;
}

/** What a waiting request gets in the end. */
export type Granted =
  | { readonly kind: 'lease'; readonly lease: Lease }
  | { readonly kind: 'refused'; readonly answer: Answer };

/** The containers of one pool, their slots, and who waits for one. */
export interface Pool {
  readonly poolId: string;
  readonly queued: number;
  readonly inFlight: number;
  readonly hasReady: boolean;
  started: number;
  /** A container has said something new of itself; undefined = it is gone. */
  update(containerId: string, container: nodeAgent.Container | undefined): void;
  /** It gets no more work, whatever it says of itself: it is stuck, and somebody has been told. */
  setAside(containerId: string): void;
  /** It may have work again, if it is still there. */
  takeBack(containerId: string): void;
  /** A free slot at once, in the least loaded container, or nothing. `except` was tried already. */
  tryAcquire(limit: number, except: ReadonlySet<string>): Lease | undefined;
  /** Waits for a slot; the signal is the caller leaving or its time running out. */
  wait(limit: number, signal: AbortSignal, except: ReadonlySet<string>): Promise<Granted>;
  /** Ends the waiting of all, as when the start-up has failed. */
  refuseAll(answer: Answer): void;
  inFlightByContainer(): Map<string, number>;
}

interface Waiter {
  readonly limit: number;
  readonly except: ReadonlySet<string>;
  readonly grant: (granted: Granted) => void;
}

const { READY } = nodeAgent.ContainerState;

export function createPool(poolId: string, onRelease: () => void): Pool {
  const slots: Slots = new Map();
  const waiters = new Set<Waiter>();
  let inFlight = 0;
  const leaseOf = (slot: Slot): Lease => {
    slot.inFlight += 1;
    inFlight += 1;
    pool.started += 1;
    let isReleased = false;
    return {
      container: slot.container,
      release() {
        if (isReleased) return;
        isReleased = true;
        slot.inFlight -= 1;
        inFlight -= 1;
        serveWaiters();
        onRelease();
      },
    };
  };
  const serveWaiters = (): void => {
    for (const waiter of waiters) {
      const lease = pool.tryAcquire(waiter.limit, waiter.except);
      if (!lease && waiter.except.size === 0) return;
      if (!lease) continue;
      waiters.delete(waiter);
      waiter.grant({ kind: 'lease', lease });
    }
  };
  const pool: Pool = {
    poolId,
    started: 0,
    get queued() {
      return waiters.size;
    },
    get inFlight() {
      return inFlight;
    },
    get hasReady() {
      return hasUsable(slots);
    },
    update(containerId, container) {
      if (container?.state !== READY) slots.delete(containerId);
      else {
        keep(slots, containerId, container);
        serveWaiters();
      }
    },
    setAside: (containerId) => markSetAside(slots, containerId, true),
    takeBack(containerId) {
      markSetAside(slots, containerId, false);
      serveWaiters();
    },
    tryAcquire(limit, except) {
      const slot = leastLoaded(slots.values(), limit, except);
      return slot && leaseOf(slot);
    },
    wait: (limit, signal, except) => waitIn(waiters, limit, signal, except),
    refuseAll: (answer) => refuse(waiters, answer),
    inFlightByContainer: () =>
      new Map([...slots].filter(([, slot]) => slot.inFlight > 0).map(([id, slot]) => [id, slot.inFlight])),
  };
  return pool;
}

type Slots = Map<string, Slot>;

/** A slot stays the same when its container speaks again: leases that run are given back to it. */
function keep(slots: Slots, containerId: string, container: nodeAgent.Container): void {
  const known = slots.get(containerId);
  if (known) known.container = container;
  else slots.set(containerId, { container, inFlight: 0, isSetAside: false });
}

function markSetAside(slots: Slots, containerId: string, isSetAside: boolean): void {
  const slot = slots.get(containerId);
  if (slot) slot.isSetAside = isSetAside;
}

function hasUsable(slots: Slots): boolean {
  for (const { isSetAside } of slots.values()) if (!isSetAside) return true;
  return false;
}

function leastLoaded(slots: Iterable<Slot>, limit: number, except: ReadonlySet<string>): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of slots) {
    if (slot.isSetAside || slot.inFlight >= limit || except.has(slot.container.containerId)) continue;
    if (!best || slot.inFlight < best.inFlight) best = slot;
  }
  return best;
}

function refuse(waiters: Set<Waiter>, answer: Answer): void {
  for (const waiter of waiters) waiter.grant({ kind: 'refused', answer });
  waiters.clear();
}

function waitIn(
  waiters: Set<Waiter>,
  limit: number,
  signal: AbortSignal,
  except: ReadonlySet<string>,
): Promise<Granted> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      waiters.delete(waiter);
      resolve({ kind: 'refused', answer: answers.queueDeadline });
    };
    const waiter: Waiter = {
      limit,
      except,
      grant(granted) {
        signal.removeEventListener('abort', giveUp);
        resolve(granted);
      },
    };
    if (signal.aborted) return giveUp();
    waiters.add(waiter);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
