import { nodeAgent } from '@portico/contracts';
import type { Change } from '@portico/messaging';
import { type Answer, answers } from '../domain/answers.ts';
import { createPool, type Pool } from '../domain/pool.ts';

/** All pools, fed by what containers report. */
export interface Pools {
  of(poolId: string): Pool;
  all(): IterableIterator<Pool>;
  onContainer(change: Change<nodeAgent.Container>, before: nodeAgent.Container | undefined): void;
}

const { EXITED } = nodeAgent.ContainerState;
const { STOPPED, KILLED, NODE_LOST } = nodeAgent.ExitReason;
/** Ends that say nothing about the next start. */
const harmless: ReadonlySet<nodeAgent.ExitReason> = new Set([STOPPED, KILLED, NODE_LOST]);

export function createPools(onRelease: () => void): Pools {
  const pools = new Map<string, Pool>();
  const of = (poolId: string): Pool => {
    const known = pools.get(poolId);
    if (known) return known;
    const pool = createPool(poolId, onRelease);
    pools.set(poolId, pool);
    return pool;
  };
  return {
    of,
    all: () => pools.values(),
    onContainer({ key, value }, before) {
      const poolId = value?.poolId ?? before?.poolId;
      if (!poolId) return;
      const pool = of(poolId);
      pool.update(key, value);
      if (
        value?.state === EXITED &&
        before?.state !== EXITED &&
        !value.wasReady &&
        !harmless.has(value.exitReason) &&
        !pool.hasReady
      ) {
        pool.refuseAll(answers.startFailed(value.message));
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
