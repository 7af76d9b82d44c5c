import { nodeAgent } from '@portico/contracts';
import type { StartFailures } from './pool-state.ts';

/** Counts failed starts per pool. */
export interface FailureCounter {
  of(poolId: string): StartFailures;
  /** Call once for every container that reached READY or EXITED. */
  saw(container: nodeAgent.Container, nowMs: number): void;
}

const { STOPPED, KILLED, NODE_LOST } = nodeAgent.ExitReason;
const harmless: ReadonlySet<nodeAgent.ExitReason> = new Set([STOPPED, KILLED, NODE_LOST]);

export function createFailureCounter(): FailureCounter {
  const failures = new Map<string, StartFailures>();
  return {
    of: (poolId) => failures.get(poolId) ?? { count: 0, lastMs: 0 },
    saw(container, nowMs) {
      if (container.state === nodeAgent.ContainerState.READY) failures.delete(container.poolId);
      if (container.state !== nodeAgent.ContainerState.EXITED || container.wasReady || harmless.has(container.exitReason)) return;
      const count = (failures.get(container.poolId)?.count ?? 0) + 1;
      failures.set(container.poolId, { count, lastMs: nowMs });
    },
  };
}
