import { nodeAgent } from '@portico/contracts';
import { type Answer, answers } from '../domain/answers.ts';
import { createPool, type Pool, type PoolOptions } from '../domain/pool.ts';
import type { ContainerCells } from '../shared/container-cells.ts';
import type { PoolCells } from '../shared/pool-cells.ts';

/** All pools as one thread has them, fed by what containers report. */
export interface Pools {
  /** Of a pool that was opened. */
  of(poolId: string): Pool;
  /** Undefined when it was not opened, or is forgotten. */
  find(poolId: string): Pool | undefined;
  all(): IterableIterator<Pool>;
  /** A pool that something may send work to, with what the threads share of it. Does nothing when it is open. */
  open(poolId: string, cells: PoolCells): void;
  /** Who has come to wait for it at the last moment goes where requests go then. */
  forget(poolId: string): void;
  onContainer(change: ContainerChange, cells: ContainerCells): void;
}

export interface ContainerChange {
  readonly containerId: string;
  readonly poolId: string;
  readonly container: nodeAgent.Container | undefined;
  readonly before: nodeAgent.Container | undefined;
}

const { EXITED } = nodeAgent.ContainerState;
const { STOPPED, KILLED, NODE_LOST } = nodeAgent.ExitReason;
/** Ends that say nothing about the next start. */
const harmless: ReadonlySet<nodeAgent.ExitReason> = new Set([STOPPED, KILLED, NODE_LOST]);

export function createPools({ thread, passOn }: Pick<PoolOptions, 'thread' | 'passOn'>): Pools {
  const pools = new Map<string, Pool>();
  const of = (poolId: string): Pool => {
    const pool = pools.get(poolId);
    if (!pool) throw new Error(`Nothing was said of pool ${poolId}.`);
    return pool;
  };
  return {
    of,
    find: (poolId) => pools.get(poolId),
    all: () => pools.values(),
    open(poolId, cells) {
      if (!pools.has(poolId)) pools.set(poolId, createPool({ poolId, cells, thread, passOn }));
    },
    forget(poolId) {
      const pool = pools.get(poolId);
      pools.delete(poolId);
      pool?.moveAll();
    },
    onContainer({ containerId, poolId, container, before }, cells) {
      const pool = of(poolId);
      pool.update(containerId, container, cells);
      if (
        container?.state === EXITED &&
        before?.state !== EXITED &&
        !container.wasReady &&
        !harmless.has(container.exitReason) &&
        !pool.hasReady
      ) {
        pool.refuseAll(answers.startFailed(container.message));
      }
    },
  };
}

/** What to tell a caller whose container broke off. */
export function answerForBroken(container: nodeAgent.Container | undefined): Answer {
  const { OUT_OF_MEMORY, CRASHED } = nodeAgent.ExitReason;
  const isKilled =
    container?.state === EXITED && [OUT_OF_MEMORY, CRASHED, KILLED].some((reason) => reason === container.exitReason);
  return isKilled ? answers.killed : answers.unreachable;
}
