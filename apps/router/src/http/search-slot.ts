import type { Granted } from '../domain/lease.ts';
import type { Pool } from '../domain/pool.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Forward } from './call-state.ts';

/** A request that waits for a container. */
export interface SlotSearch {
  /** Nobody waits any more: a slot that is granted all the same is given back. */
  abandon(): void;
}

/** Waits for a slot; the autoscaler hears of the first who waits. `onGranted` is called once, unless abandoned. */
export function searchSlot(
  { limits, timers, onQueued }: Surroundings,
  { spec, pool, newest, serializedParams }: Forward,
  tried: ReadonlySet<string>,
  traceparent: string,
  onGranted: (granted: Granted) => void,
): SlotSearch {
  // Who waits, waits for the newest version: its predecessor may be on its way out.
  const target: Pool = pool.hasReady ? pool : newest;
  const leave = new AbortController();
  const deadline = timers.after(limits.queueDeadlineMs, () => leave.abort());
  let isAbandoned = false;
  const wanted = { poolId: target.poolId, appId: spec.appId, traceparent, serializedParams };
  const onJoined = (isFirst: boolean): void => onQueued(wanted, isFirst);
  void target.wait(spec.maxConcurrentInputs, leave.signal, tried, onJoined).then((granted) => {
    deadline.cancel();
    if (!isAbandoned) onGranted(granted);
    else if (granted.kind === 'lease') granted.lease.release();
  });
  return {
    abandon() {
      isAbandoned = true;
      leave.abort();
    },
  };
}
