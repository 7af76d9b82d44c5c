import { autoscaler } from '@portico/contracts';

/** What this node has of one container. */
export interface Actual {
  readonly containerId: string;
  readonly isDraining: boolean;
}

export type Action =
  | { readonly do: 'start'; readonly placement: autoscaler.Placement }
  | { readonly do: 'drain'; readonly containerId: string; readonly why: string; readonly isNow: boolean };

/** What must be done so that this node runs what is wanted. Asking twice changes nothing. */
export function reconcile(
  wanted: readonly autoscaler.Placement[],
  actual: readonly Actual[],
  hasEnded: (containerId: string) => boolean,
): Action[] {
  const { RUN } = autoscaler.Desired;
  const present = new Map(actual.map((container) => [container.containerId, container]));
  const placed = new Set(wanted.map(({ containerId }) => containerId));
  const starts = wanted
    .filter(({ containerId, desired }) => desired === RUN && !present.has(containerId) && !hasEnded(containerId))
    .map((placement): Action => ({ do: 'start', placement }));
  const stops = wanted
    .filter(
      ({ containerId, desired, stopNow }) =>
        desired !== RUN && present.has(containerId) && (stopNow || !present.get(containerId)?.isDraining),
    )
    .map(
      ({ containerId, stopReason, stopNow }): Action => ({ do: 'drain', containerId, why: stopReason, isNow: stopNow }),
    );
  const orphans = actual
    .filter(({ containerId, isDraining }) => !placed.has(containerId) && !isDraining)
    .map(
      ({ containerId }): Action => ({
        do: 'drain',
        containerId,
        why: 'it is not wanted on this node any more',
        isNow: false,
      }),
    );
  return [...starts, ...stops, ...orphans];
}
