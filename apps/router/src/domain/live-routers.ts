/** How many routers there are, from what each says of itself once a second. */
export interface LiveRouters {
  /** A router has reported; this one hears its own reports as well. */
  heard(routerId: string, nowMs: number): void;
  /** This one included. */
  readonly count: number;
}

/** A router is gone after this long without a report: three are missed by then. */
const GONE_AFTER_MS = 3_500;
/** As far apart as reports come. */
const REPORT_MS = 1_000;

/**
 * Time counts only while this router hears itself. So none is taken for gone because NATS was away: then every router
 * would let through the share of all.
 */
export function createLiveRouters(ownId: string): LiveRouters {
  const silentMs = new Map<string, number>();
  let lastMs: number | undefined;
  return {
    heard(routerId, nowMs) {
      if (routerId !== ownId) {
        silentMs.set(routerId, 0);
        return;
      }
      const passedMs = Math.min(REPORT_MS, Math.max(0, nowMs - (lastMs ?? nowMs)));
      lastMs = nowMs;
      for (const [other, before] of silentMs)
        if (before + passedMs > GONE_AFTER_MS) silentMs.delete(other);
        else silentMs.set(other, before + passedMs);
    },
    get count() {
      return 1 + silentMs.size;
    },
  };
}
