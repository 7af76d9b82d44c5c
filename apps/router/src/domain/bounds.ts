import type { control } from '@portico/contracts';
import type { RateLimit } from './token-bucket.ts';

/** What counts where the operator has set nothing. */
export interface DefaultBounds {
  /** Requests per second of a workspace, and how many of them at once. */
  readonly ratePerSecond: number;
  readonly rateBurst: number;
  /** Requests that may wait for one pool. */
  readonly queueMax: number;
}

/** A rate as it was set, and the part of it that this router lets through. */
export interface SharedRate {
  readonly perSecond: number;
  readonly share: RateLimit;
}

export interface WorkspaceBounds {
  readonly rate: SharedRate;
  readonly queueMax: number;
}

export interface FunctionBounds {
  /** Undefined: only the workspace's rate counts. */
  readonly rate: SharedRate | undefined;
  /** As it was set, and this router's part; undefined: the workspace's counts. */
  readonly queueMax: number | undefined;
}

type Set = Pick<control.Limit, 'ratePerSecond' | 'burst' | 'queueLength'>;

/** A rate that is set without a burst may come at once for this long. */
const BURST_SECONDS = 5;

export function boundsOfWorkspace(set: Set | undefined, defaults: DefaultBounds, routers: number): WorkspaceBounds {
  const isRateSet = set?.ratePerSecond !== undefined;
  const perSecond = set?.ratePerSecond ?? defaults.ratePerSecond;
  const burst = set?.burst ?? (isRateSet ? perSecond * BURST_SECONDS : defaults.rateBurst);
  return { rate: shared(perSecond, burst, routers), queueMax: set?.queueLength ?? defaults.queueMax };
}

export function boundsOfFunction({ ratePerSecond, burst, queueLength }: Set, routers: number): FunctionBounds {
  const rate =
    ratePerSecond === undefined ? undefined : shared(ratePerSecond, burst ?? ratePerSecond * BURST_SECONDS, routers);
  return { rate, queueMax: queueLength };
}

/** This router's part of a number that all routers keep together; each has one at least, else it would let nobody in. */
export function shareOf(whole: number, routers: number): number {
  return Math.max(1, whole / routers);
}

function shared(perSecond: number, burst: number, routers: number): SharedRate {
  return { perSecond, share: { perSecond: shareOf(perSecond, routers), burst: shareOf(burst, routers) } };
}
