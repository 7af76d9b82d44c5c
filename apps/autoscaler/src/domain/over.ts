import { autoscaler, nodeAgent } from '@portico/contracts';

/** What decides whether a placement is over. */
export interface PlacementFacts {
  readonly placement: autoscaler.Placement;
  readonly report: nodeAgent.Container | undefined;
  readonly node: nodeAgent.Node | undefined;
  /** When it was first seen told to stop; undefined while it should run. */
  readonly drainingSinceMs: number | undefined;
  /** Since when leases could have been heard without a gap. */
  readonly listeningSinceMs: number;
}

/** What is to be done with a placement that is not just running. */
export type Verdict =
  | { readonly do: 'keep' }
  /** It is over; a node that still has it lets it end. */
  | { readonly do: 'remove'; readonly isLost: boolean }
  /** It was told to stop and has not: it is killed. */
  | { readonly do: 'kill' };

/** A node renews its lease every few seconds; after an outage of NATS it needs a moment to say that it lives. */
const RENEWAL_MS = 10_000;
/** A node that knows of a container says so at once. */
const REPORT_MS = 10_000;
/** On top of the longest request: time for the node to end it by itself. */
const DRAIN_MARGIN_MS = 90_000;

export function verdictOf(facts: PlacementFacts, nowMs: number): Verdict {
  const { placement, report, node, drainingSinceMs, listeningSinceMs } = facts;
  if (report?.state === nodeAgent.ContainerState.EXITED) return { do: 'remove', isLost: false };
  const isLeaseOver = (node?.leaseUntil ?? placement.enqueuedAt) * 1000 < nowMs;
  if (isLeaseOver && nowMs - listeningSinceMs >= RENEWAL_MS) return { do: 'remove', isLost: true };
  if (placement.desired !== autoscaler.Desired.DRAIN || drainingSinceMs === undefined) return { do: 'keep' };
  const drainingMs = nowMs - drainingSinceMs;
  if (!report && drainingMs >= REPORT_MS) return { do: 'remove', isLost: false };
  return drainingMs >= drainLimitMs(placement) && !placement.stopNow ? { do: 'kill' } : { do: 'keep' };
}

function drainLimitMs({ pool }: autoscaler.Placement): number {
  return (pool?.isServer ? pool.exitGracePeriodMs : (pool?.timeoutMs ?? 0)) + DRAIN_MARGIN_MS;
}
