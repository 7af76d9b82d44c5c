import { createPeaks, type Peaks } from './peaks.ts';
import { createRouterReports, type RouterLoad, type RouterReports } from './router-reports.ts';

/** What is known of the work of one pool, over all routers. */
export interface PoolWork {
  readonly inFlight: number;
  readonly queued: number;
  /** The most of both at once within the window. */
  readonly recentPeak: number;
  /** Nothing has begun for so long that what seems to run must be a miscount; it is left out above. */
  readonly isMiscounted: boolean;
  /** When something last began or waited; milliseconds since the epoch, 0 = never. */
  readonly lastBegunMs: number;
}

export interface WorkQuestion {
  readonly windowMs: number;
  /** Requests that run for longer than this are taken for miscounted once nothing new begins. */
  readonly longestMs: number;
}

/** The work of all pools over all routers. */
export interface LoadLedger {
  /** A report says everything about its router: what it leaves out has no work. */
  report(load: RouterLoad, nowMs: number): void;
  /** Requests wait; holds until a report tells more, or for a moment. */
  wake(poolId: string, queued: number, nowMs: number): void;
  of(poolId: string, question: WorkQuestion, nowMs: number): PoolWork;
  inFlightOf(containerId: string, nowMs: number): number;
  /** Milliseconds since the epoch of the last sign of work; undefined = none seen. */
  lastBusyMs(containerId: string): number | undefined;
  /**
   * Since when the work of all is known without a gap; undefined = it is not known now.
   * `listeningSinceMs` is since when reports could have come at all.
   */
  knownSinceMs(listeningSinceMs: number, nowMs: number): number | undefined;
  forget(containerId: string): void;
  /** Drops what is known of pools that are no more; one that was heard of just now may be about to come. */
  keepOnly(poolIds: ReadonlySet<string>, nowMs: number): void;
}

/** A report follows a wake within 20 ms. */
const WAKE_MS = 1_000;
const KEEP_MS = 60_000;

interface Past {
  lastBegunMs: number;
  readonly peaks: Peaks;
}

export function createLoadLedger(): LoadLedger {
  const reports = createRouterReports();
  const wakes = new Map<string, { queued: number; atMs: number }>();
  const lastBusy = new Map<string, number>();
  const pasts = new Map<string, Past>();
  const note = (poolId: string, { hasBegun, atLeast }: { hasBegun: boolean; atLeast: number }, nowMs: number): void => {
    const past = pasts.get(poolId) ?? { lastBegunMs: 0, peaks: createPeaks() };
    pasts.set(poolId, past);
    if (hasBegun) past.lastBegunMs = nowMs;
    const { inFlight, queued } = workOf(reports, wakes.get(poolId), poolId, nowMs);
    past.peaks.note(Math.max(inFlight + queued, atLeast), nowMs);
  };
  return {
    report(load, nowMs) {
      const before = reports.take(load, nowMs);
      for (const { poolId, started, queued, inFlight, inFlightByContainer } of load.pools) {
        wakes.delete(poolId);
        const hasBegun = started > 0 || queued > 0 || inFlight > (before.get(poolId)?.inFlight ?? 0);
        note(poolId, { hasBegun, atLeast: started > 0 ? 1 : 0 }, nowMs);
        for (const [id, count] of inFlightByContainer) if (count > 0) lastBusy.set(id, nowMs);
      }
    },
    wake(poolId, queued, nowMs) {
      wakes.set(poolId, { queued: Math.max(1, queued), atMs: nowMs });
      note(poolId, { hasBegun: true, atLeast: queued }, nowMs);
    },
    of(poolId, { windowMs, longestMs }, nowMs) {
      const { inFlight, queued } = workOf(reports, wakes.get(poolId), poolId, nowMs);
      const past = pasts.get(poolId);
      const lastBegunMs = past?.lastBegunMs ?? 0;
      if (nowMs - lastBegunMs > Math.max(windowMs, longestMs)) {
        return { inFlight: 0, queued, recentPeak: queued, isMiscounted: inFlight > 0, lastBegunMs };
      }
      const recentPeak = Math.max(inFlight + queued, past?.peaks.within(windowMs, nowMs) ?? 0);
      return { inFlight, queued, recentPeak, isMiscounted: false, lastBegunMs };
    },
    inFlightOf: reports.inFlightOf,
    lastBusyMs: (containerId) => lastBusy.get(containerId),
    knownSinceMs: reports.knownSinceMs,
    forget: (containerId) => void lastBusy.delete(containerId),
    keepOnly(poolIds, nowMs) {
      for (const [id, { lastBegunMs }] of pasts) {
        if (!poolIds.has(id) && nowMs - lastBegunMs >= KEEP_MS) pasts.delete(id);
      }
      for (const [id, { atMs }] of wakes) if (nowMs - atMs >= WAKE_MS) wakes.delete(id);
    },
  };
}

function workOf(
  reports: RouterReports,
  wake: { queued: number; atMs: number } | undefined,
  poolId: string,
  nowMs: number,
): { inFlight: number; queued: number } {
  const { inFlight, queued } = reports.sumOf(poolId, nowMs);
  return { inFlight, queued: Math.max(queued, wake && nowMs - wake.atMs < WAKE_MS ? wake.queued : 0) };
}
