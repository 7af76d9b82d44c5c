import { nextStartMs } from './back-off.ts';
import type { Decision, PoolContainer, PoolState } from './pool-state.ts';

/**
 * How many containers a pool should have, and what to do about it now.
 *
 * Demand counts what runs and what waits, so it never falls while a burst is being served. Growing
 * is immediate; shrinking takes only containers that had no work for the whole window.
 */
export function decide(pool: PoolState, nowMs: number): Decision {
  switch (pool.role.kind) {
    case 'unwanted':
      return drainAll(pool, pool.role.why);
    case 'previous':
      return pool.role.isSuccessorReady ? drainAll(pool, 'its successor is ready') : shrink(pool, needed(pool), 'waits for its successor', nowMs);
    case 'current':
      return scale(pool, nowMs);
  }
}

function scale(pool: PoolState, nowMs: number): Decision {
  const { wanted, reason } = wantedOf(pool);
  const missing = wanted - alive(pool).length;
  if (missing <= 0) return shrink(pool, wanted, reason, nowMs);
  const waitMs = nextStartMs(pool.failures) - nowMs;
  if (waitMs > 0) {
    return { wanted, start: 0, drain: [], reason: `${pool.failures.count} starts failed: next try in ${Math.ceil(waitMs / 1000)} s` };
  }
  // After a failure one try is enough to learn whether it works again.
  return { wanted, start: pool.failures.count > 0 ? 1 : missing, drain: [], reason };
}

function wantedOf(pool: PoolState): { wanted: number; reason: string } {
  const { minContainers, maxContainers, bufferContainers } = pool.settings;
  const demand = needed(pool);
  const buffer = demand > 0 ? bufferContainers : 0;
  const successor = successorOf(pool);
  const wanted = Math.min(maxContainers, Math.max(minContainers, demand + buffer, successor));
  if (wanted === 0) return { wanted, reason: 'no work' };
  if (wanted === maxContainers && demand + buffer > maxContainers) return { wanted, reason: `limited to ${maxContainers}` };
  if (wanted === demand + buffer) return { wanted, reason: `${pool.inFlight} running and ${pool.queued} waiting` };
  return { wanted, reason: wanted === successor ? 'takes over from the version before' : 'min_containers' };
}

function needed({ inFlight, queued, settings }: PoolState): number {
  return Math.ceil((inFlight + queued) / settings.targetConcurrency);
}

/** A new version starts as many containers as the old one keeps busy, before the old ones go. */
function successorOf({ role }: PoolState): number {
  if (role.kind !== 'current' || !role.predecessor || role.predecessor.alive === 0) return 0;
  return Math.max(1, role.predecessor.busy);
}

function alive({ containers }: PoolState): readonly PoolContainer[] {
  return containers.filter((container) => container.state !== 'draining');
}

function shrink(pool: PoolState, wanted: number, reason: string, nowMs: number): Decision {
  const present = alive(pool);
  const idle = present
    .filter((container) => container.state === 'ready' && container.inFlight === 0)
    .filter((container) => nowMs - container.lastBusyMs >= pool.settings.scaledownWindowMs)
    .sort((a, b) => a.lastBusyMs - b.lastBusyMs);
  const drain = idle.slice(0, Math.max(0, present.length - wanted)).map(({ containerId }) => containerId);
  return { wanted, start: 0, drain, reason };
}

function drainAll(pool: PoolState, reason: string): Decision {
  return { wanted: 0, start: 0, drain: alive(pool).map(({ containerId }) => containerId), reason };
}
