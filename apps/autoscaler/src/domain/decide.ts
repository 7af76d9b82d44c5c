import { nextStartMs } from './back-off.ts';
import type { Decision, PoolContainer, PoolState } from './pool-state.ts';

/**
 * How many containers a pool should have, and what to do about it now.
 *
 * Demand counts what runs and what waits, so it never falls while a burst is being served. Growing
 * is immediate; shrinking goes no lower than the demand of the last window, and takes only containers
 * that had no work for as long.
 */
export function decide(pool: PoolState, nowMs: number): Decision {
  switch (pool.role.kind) {
    case 'unwanted':
      return drainAll(pool, pool.role.why);
    case 'previous':
      return pool.role.isSuccessorReady ? handOver(pool, nowMs) : hold(pool, nowMs);
    case 'current':
      return reach(pool, wantedOf(pool), nowMs);
  }
}

const UNHEARD = 'waits to hear from the routers';

interface Wanted {
  readonly wanted: number;
  readonly reason: string;
}

function reach(pool: PoolState, { wanted, reason }: Wanted, nowMs: number): Decision {
  const missing = wanted - alive(pool).length;
  if (missing <= 0) return shrink(pool, { wanted, reason }, nowMs);
  if (pool.failures.count === 0) return { wanted, start: missing, drain: [], reason };
  const waitMs = nextStartMs(pool.failures) - nowMs;
  if (waitMs > 0) {
    const failed = pool.failures.count === 1 ? '1 start has failed' : `${pool.failures.count} starts have failed`;
    return { wanted, start: 0, drain: [], reason: `${failed}: next try in ${Math.ceil(waitMs / 1000)} s` };
  }
  // After a failure one try at a time is enough to learn whether it works again.
  const isTrying = pool.containers.some(({ state }) => state === 'starting');
  return { wanted, start: isTrying ? 0 : 1, drain: [], reason };
}

function wantedOf(pool: PoolState): Wanted {
  const { minContainers, maxContainers, bufferContainers } = pool.settings;
  const demand = pool.recentPeak > 0 ? needed(pool) + bufferContainers : 0;
  const successor = successorOf(pool);
  const wanted = Math.min(maxContainers, Math.max(minContainers, demand, successor));
  if (wanted === 0) return { wanted, reason: 'no work' };
  if (demand > maxContainers) return { wanted, reason: `limited to ${maxContainers}` };
  if (wanted === demand) return { wanted, reason: `${pool.inFlight} running and ${pool.queued} waiting` };
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

/** Serves until its successor can; it never grows, but may not fall below what it had to have. */
function hold(pool: PoolState, nowMs: number): Decision {
  if (isStranded(pool)) return reach(pool, stranded(pool), nowMs);
  const wanted = Math.max(needed(pool), pool.settings.minContainers);
  return shrink(pool, { wanted, reason: 'serves until its successor is ready' }, nowMs);
}

/** All go, but for those who still have someone waiting: new requests go to the successor, so that ends. */
function handOver(pool: PoolState, nowMs: number): Decision {
  if (isStranded(pool)) return reach(pool, stranded(pool), nowMs);
  if (!pool.isLoadKnown) return { wanted: 0, start: 0, drain: [], reason: UNHEARD };
  const waiting = Math.ceil(pool.queued / pool.settings.targetConcurrency);
  const byUse = [...alive(pool)].sort((a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight);
  const drain = byUse.slice(0, Math.max(0, byUse.length - waiting)).map(({ containerId }) => containerId);
  return { wanted: waiting, start: 0, drain, reason: 'its successor is ready' };
}

/** Requests wait for a version that has no containers any more. */
function isStranded(pool: PoolState): boolean {
  return pool.queued > 0 && alive(pool).length === 0;
}

function stranded(pool: PoolState): Wanted {
  return {
    wanted: Math.min(needed(pool), pool.settings.maxContainers),
    reason: `${pool.queued} still wait for this version`,
  };
}

function shrink(pool: PoolState, { wanted, reason }: Wanted, nowMs: number): Decision {
  const present = alive(pool);
  const { maxContainers, targetConcurrency, bufferContainers, scaledownWindowMs } = pool.settings;
  const lately = pool.recentPeak > 0 ? Math.ceil(pool.recentPeak / targetConcurrency) + bufferContainers : 0;
  const excess = present.length - Math.max(wanted, Math.min(maxContainers, lately));
  if (excess <= 0) return { wanted, start: 0, drain: [], reason };
  if (!pool.isLoadKnown) return { wanted, start: 0, drain: [], reason: UNHEARD };
  const idle = present
    .filter(({ inFlight, lastBusyMs }) => inFlight === 0 && nowMs - lastBusyMs >= scaledownWindowMs)
    .sort((a, b) => rank(a) - rank(b) || a.lastBusyMs - b.lastBusyMs);
  return { wanted, start: 0, drain: idle.slice(0, excess).map(({ containerId }) => containerId), reason };
}

/** What is still starting serves nobody yet, so it goes first. */
function rank({ state }: PoolContainer): number {
  return state === 'starting' ? 0 : 1;
}

function drainAll(pool: PoolState, reason: string): Decision {
  return { wanted: 0, start: 0, drain: alive(pool).map(({ containerId }) => containerId), reason };
}
