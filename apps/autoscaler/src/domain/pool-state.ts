/** One container of a pool, as far as scaling cares. */
export interface PoolContainer {
  readonly containerId: string;
  /** `draining` also covers containers that were told to stop and have not said so yet. */
  readonly state: 'starting' | 'ready' | 'draining';
  readonly inFlight: number;
  /** When it last had work, became ready or, before that, was asked for; milliseconds since the epoch. */
  readonly lastBusyMs: number;
}

/** Settings of the user with the platform's defaults filled in. */
export interface ScalingSettings {
  readonly minContainers: number;
  /** At least 1. */
  readonly maxContainers: number;
  readonly bufferContainers: number;
  readonly scaledownWindowMs: number;
  /** Requests that one container should have at once, above 0. */
  readonly targetConcurrency: number;
}

/** How a pool stands to what is deployed. */
export type Role =
  | { readonly kind: 'current'; readonly predecessor: Predecessor | undefined }
  /** Serves until its successor has a ready container. */
  | { readonly kind: 'previous'; readonly isSuccessorReady: boolean }
  /** Nothing deployed wants it any more. */
  | { readonly kind: 'unwanted'; readonly why: string };

export interface Predecessor {
  readonly alive: number;
  readonly busy: number;
}

/** Starts that failed one after the other; see back-off.ts. */
export interface StartFailures {
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly lastMs: number;
}

/** Everything the decision over one pool depends on. */
export interface PoolState {
  readonly poolId: string;
  readonly role: Role;
  readonly settings: ScalingSettings;
  readonly containers: readonly PoolContainer[];
  /** Requests that run and that wait, over all routers. */
  readonly inFlight: number;
  readonly queued: number;
  /** The most of both at once within the scale-down window. */
  readonly recentPeak: number;
  /** False while routers have not been heard for long enough to call anything idle. */
  readonly isLoadKnown: boolean;
  readonly failures: StartFailures;
}

/** What to do about one pool; printable. */
export interface Decision {
  readonly wanted: number;
  readonly start: number;
  /** Container ids, in order. */
  readonly drain: readonly string[];
  /** For people. */
  readonly reason: string;
}
