import { nodeAgent } from '@portico/contracts';
import type { StartFailures } from './pool-state.ts';

/** Counts, per pool, starts that failed one after the other. */
export interface FailureCounter {
  of(poolId: string): StartFailures;
  /** Call once for every container that reached READY or EXITED. */
  saw(container: nodeAgent.Container, nowMs: number): void;
  /** A new deployment deserves a fresh try. */
  reset(poolId: string): void;
  keepOnly(poolIds: ReadonlySet<string>): void;
}

/** A container that crashes so soon after it was ready counts as a failed start too, or it would be replaced without end. */
const EARLY_MS = 10_000;

const { READY, EXITED } = nodeAgent.ContainerState;
const { STOPPED, KILLED, NODE_LOST } = nodeAgent.ExitReason;
/** Ends that say nothing about the next start. */
const harmless: ReadonlySet<nodeAgent.ExitReason> = new Set([STOPPED, KILLED, NODE_LOST]);
const NONE: StartFailures = { count: 0, lastMs: 0 };

export function createFailureCounter(): FailureCounter {
  const failed = new Map<string, StartFailures>();
  const early = new Map<string, StartFailures>();
  return {
    of(poolId) {
      const starts = failed.get(poolId) ?? NONE;
      const ends = early.get(poolId) ?? NONE;
      // The first early end is replaced at once: only their repetition makes a loop.
      return ends.count - 1 > starts.count ? { ...ends, count: ends.count - 1 } : starts;
    },
    saw(container, nowMs) {
      const { poolId, state } = container;
      if (state === READY) failed.delete(poolId);
      if (state !== EXITED || harmless.has(container.exitReason)) return;
      if (!container.wasReady) count(failed, container, nowMs);
      else if ((container.finishedAt - container.readyAt) * 1000 < EARLY_MS) count(early, container, nowMs);
      else early.delete(poolId);
    },
    reset(poolId) {
      failed.delete(poolId);
      early.delete(poolId);
    },
    keepOnly(poolIds) {
      for (const map of [failed, early]) for (const id of map.keys()) if (!poolIds.has(id)) map.delete(id);
    },
  };
}

function count(counts: Map<string, StartFailures>, container: nodeAgent.Container, nowMs: number): void {
  const before = counts.get(container.poolId) ?? NONE;
  // Started before the last failure was known: the same try, not a further one.
  if (before.count > 0 && container.enqueuedAt * 1000 < before.lastMs) return;
  const endedMs = container.finishedAt > 0 ? container.finishedAt * 1000 : nowMs;
  counts.set(container.poolId, { count: before.count + 1, lastMs: Math.min(nowMs, endedMs) });
}
