/** What one router said last. */
export interface RouterLoad {
  readonly routerId: string;
  readonly pools: readonly PoolLoad[];
}

export interface PoolLoad {
  readonly poolId: string;
  readonly inFlight: number;
  readonly queued: number;
  readonly inFlightByContainer: ReadonlyMap<string, number>;
}

/** The work of all pools over all routers. */
export interface LoadLedger {
  /** A report says everything about its router: what it leaves out has no work. */
  report(load: RouterLoad, nowMs: number): void;
  /** Requests wait; holds until the next report of any router. */
  wake(poolId: string, queued: number, nowMs: number): void;
  of(poolId: string, nowMs: number): { inFlight: number; queued: number };
  inFlightOf(containerId: string, nowMs: number): number;
  /** Milliseconds since the epoch of the last sign of work; undefined = none seen. */
  lastBusyMs(containerId: string): number | undefined;
  forget(containerId: string): void;
}

/** A router that has not reported for so long counts as gone: its work must not block scaling down for ever. */
const STALE_MS = 3_500;

interface Heard {
  readonly pools: ReadonlyMap<string, PoolLoad>;
  readonly atMs: number;
}

export function createLoadLedger(): LoadLedger {
  const routers = new Map<string, Heard>();
  const wakes = new Map<string, { queued: number; atMs: number }>();
  const lastBusy = new Map<string, number>();
  const fresh = (nowMs: number): Heard[] => [...routers.values()].filter(({ atMs }) => nowMs - atMs < STALE_MS);
  return {
    report({ routerId, pools }, nowMs) {
      for (const [id, { atMs }] of routers) if (nowMs - atMs >= STALE_MS) routers.delete(id);
      routers.set(routerId, { pools: new Map(pools.map((pool) => [pool.poolId, pool])), atMs: nowMs });
      for (const pool of pools) {
        wakes.delete(pool.poolId);
        for (const [id, count] of pool.inFlightByContainer) if (count > 0) lastBusy.set(id, nowMs);
      }
    },
    wake(poolId, queued, nowMs) {
      wakes.set(poolId, { queued: Math.max(1, queued), atMs: nowMs });
    },
    of(poolId, nowMs) {
      const loads = fresh(nowMs).map(({ pools }) => pools.get(poolId));
      const sum = (read: (load: PoolLoad) => number): number => loads.reduce((total, load) => total + (load ? read(load) : 0), 0);
      const wake = wakes.get(poolId);
      const woken = wake && nowMs - wake.atMs < STALE_MS ? wake.queued : 0;
      return { inFlight: sum((load) => load.inFlight), queued: Math.max(sum((load) => load.queued), woken) };
    },
    inFlightOf(containerId, nowMs) {
      let total = 0;
      for (const { pools } of fresh(nowMs)) {
        for (const { inFlightByContainer } of pools.values()) total += inFlightByContainer.get(containerId) ?? 0;
      }
      return total;
    },
    lastBusyMs: (containerId) => lastBusy.get(containerId),
    forget: (containerId) => void lastBusy.delete(containerId),
  };
}
