import { router, subjects } from '@portico/contracts';
import { type Nats, publish } from '@portico/messaging';
import type { Pool } from '../domain/pool.ts';
import type { Pools } from './pools.ts';

/** Tells the autoscaler about work, and other routers about this one. */
export interface LoadReporter extends Disposable {
  /** The first who waits wakes at once; those after it are in the next report. */
  wake(pool: Pool, appId: string, traceparent: string): void;
  /** One more container is wanted although nobody waits; told once in each report's time. */
  wakeForMore(pool: Pool, appId: string, traceparent: string): void;
  /** Says at once what it sees, and that it is there. */
  report(): void;
}

const EVERY_MS = 1_000;
/** Waiting grows: a report goes out soon, but not for each request. */
const SOON_MS = 20;

/** `routerId` is the same after a restart: what the process before said last is then replaced, not added to. */
export function createLoadReporter(nats: Nats, pools: Pools, routerId: string): LoadReporter {
  let sequence = 0n;
  let soon: NodeJS.Timeout | undefined;
  const short = new Set<string>();
  const report = (): void => {
    soon = undefined;
    short.clear();
    sequence += 1n;
    publish(
      nats,
      subjects.load,
      '',
      router.LoadReport.create({ routerId, sequence, pools: [...pools.all()].flatMap(loadOf) }),
    );
  };
  const timer = setInterval(report, EVERY_MS);
  return {
    report,
    wake(pool, appId, traceparent) {
      if (pool.queued === 1)
        publish(nats, subjects.poolWake, pool.poolId, { poolId: pool.poolId, appId, queued: pool.queued, traceparent });
      soon ??= setTimeout(report, SOON_MS);
    },
    wakeForMore({ poolId }, appId, traceparent) {
      if (short.has(poolId)) return;
      short.add(poolId);
      publish(nats, subjects.poolWake, poolId, { poolId, appId, queued: 1, traceparent });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      clearTimeout(soon);
    },
  };
}

function loadOf(pool: Pool): router.PoolLoad[] {
  const { poolId, inFlight, queued, started } = pool;
  pool.started = 0;
  if (inFlight === 0 && queued === 0 && started === 0) return [];
  return [{ poolId, inFlight, queued, started, inFlightByContainer: pool.inFlightByContainer() }];
}
