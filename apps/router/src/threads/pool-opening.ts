import type { UnopenedPool } from '../domain/decide-target.ts';
import type { Change } from './messages.ts';

/** Pools that requests of this thread wait for. */
export interface PoolOpening {
  /** `onOpen` hears whether there is one, once; the main thread is asked by the first only. */
  open(pool: UnopenedPool, onOpen: (isOpen: boolean) => void): void;
  hear(change: Change): void;
}

export function createPoolOpening(ask: (pool: UnopenedPool) => void): PoolOpening {
  const waiting = new Map<string, ((isOpen: boolean) => void)[]>();
  const settle = (poolId: string, isOpen: boolean): void => {
    const listeners = waiting.get(poolId) ?? [];
    waiting.delete(poolId);
    for (const onOpen of listeners) onOpen(isOpen);
  };
  return {
    open(pool, onOpen) {
      const known = waiting.get(pool.poolId);
      waiting.set(pool.poolId, [...(known ?? []), onOpen]);
      if (!known) ask(pool);
    },
    hear(change) {
      if (change.kind === 'bound pool') settle(change.pool.poolId, true);
      else if (change.kind === 'no more pools') settle(change.poolId, false);
    },
  };
}
