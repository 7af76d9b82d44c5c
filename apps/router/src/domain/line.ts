import type { PoolCells } from '../shared/pool-cells.ts';
import { answers } from './answers.ts';
import type { Granted } from './lease.ts';

/** A request that waits for a slot. */
export interface Waiter {
  readonly limit: number;
  readonly except: ReadonlySet<string>;
  readonly ticket: number;
  readonly grant: (granted: Granted) => void;
}

/** Those who wait in one thread, each with its place among those of all threads. */
export interface Line {
  readonly waiters: ReadonlySet<Waiter>;
  join(wish: Pick<Waiter, 'limit' | 'except'>, signal: AbortSignal): Promise<Granted>;
  leave(waiter: Waiter): void;
  /** All leave, each with this. */
  dismiss(granted: Granted): void;
}

export function createLine(cells: PoolCells, thread: number): Line {
  const waiters = new Set<Waiter>();
  const tellHead = (): void => {
    const [first] = waiters;
    cells.setHead(thread, first?.ticket ?? 0);
  };
  const leave = (waiter: Waiter): void => {
    waiters.delete(waiter);
    cells.leaveLine();
    tellHead();
  };
  return {
    waiters,
    leave,
    dismiss(granted) {
      for (const waiter of waiters) {
        leave(waiter);
        waiter.grant(granted);
      }
    },
    join(wish, signal) {
      const { promise, resolve } = Promise.withResolvers<Granted>();
      const giveUp = (): void => {
        leave(waiter);
        resolve({ kind: 'refused', answer: answers.queueDeadline });
      };
      const grant = (granted: Granted): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(granted);
      };
      const waiter: Waiter = { ...wish, ticket: cells.takeTicket(), grant };
      waiters.add(waiter);
      tellHead();
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
      return promise;
    },
  };
}
