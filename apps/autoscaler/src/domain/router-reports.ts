/** What one router said last. */
export interface RouterLoad {
  readonly routerId: string;
  readonly pools: readonly PoolLoad[];
}

export interface PoolLoad {
  readonly poolId: string;
  readonly inFlight: number;
  readonly queued: number;
  /** Requests begun since the report before: work that was too short to be seen running. */
  readonly started: number;
  readonly inFlightByContainer: ReadonlyMap<string, number>;
}

/** The last report of every router that still reports. */
export interface RouterReports {
  /** Returns what the same router said of each pool before. */
  take(load: RouterLoad, nowMs: number): ReadonlyMap<string, PoolLoad>;
  sumOf(poolId: string, nowMs: number): { inFlight: number; queued: number };
  inFlightOf(containerId: string, nowMs: number): number;
  /** See `LoadLedger.knownSinceMs`. */
  knownSinceMs(listeningSinceMs: number, nowMs: number): number | undefined;
}

/** A router that has not reported for so long counts as gone: its work must not block scaling down for ever. */
const STALE_MS = 3_500;
/** With no router for so long there is no traffic either. */
const SILENCE_MS = 60_000;

interface Heard {
  readonly pools: ReadonlyMap<string, PoolLoad>;
  readonly byContainer: ReadonlyMap<string, number>;
  readonly atMs: number;
}

export function createRouterReports(): RouterReports {
  const routers = new Map<string, Heard>();
  let hearing: { sinceMs: number; lastMs: number } | undefined;
  return {
    take({ routerId, pools }, nowMs) {
      for (const [id, { atMs }] of routers) if (nowMs - atMs >= STALE_MS) routers.delete(id);
      const before = routers.get(routerId)?.pools ?? new Map<string, PoolLoad>();
      routers.set(routerId, heardOf(pools, nowMs));
      const sinceMs = hearing && nowMs - hearing.lastMs < STALE_MS ? hearing.sinceMs : nowMs;
      hearing = { sinceMs, lastMs: nowMs };
      return before;
    },
    sumOf(poolId, nowMs) {
      let [inFlight, queued] = [0, 0];
      for (const { pools, atMs } of routers.values()) {
        const load = nowMs - atMs < STALE_MS ? pools.get(poolId) : undefined;
        inFlight += load?.inFlight ?? 0;
        queued += load?.queued ?? 0;
      }
      return { inFlight, queued };
    },
    inFlightOf(containerId, nowMs) {
      let total = 0;
      for (const { byContainer, atMs } of routers.values()) {
        if (nowMs - atMs < STALE_MS) total += byContainer.get(containerId) ?? 0;
      }
      return total;
    },
    knownSinceMs(listeningSinceMs, nowMs) {
      if (hearing && nowMs - hearing.lastMs < STALE_MS) return Math.max(hearing.sinceMs, listeningSinceMs);
      const silentSinceMs = Math.max(hearing?.lastMs ?? 0, listeningSinceMs);
      return nowMs - silentSinceMs >= SILENCE_MS ? silentSinceMs : undefined;
    },
  };
}

function heardOf(pools: readonly PoolLoad[], atMs: number): Heard {
  const byContainer = new Map<string, number>();
  for (const { inFlightByContainer } of pools) {
    for (const [id, count] of inFlightByContainer) byContainer.set(id, (byContainer.get(id) ?? 0) + count);
  }
  return { pools: new Map(pools.map((pool) => [pool.poolId, pool])), byContainer, atMs };
}
