import { router, subjects } from '@portico/contracts';
import { type Nats, publish } from '@portico/messaging';
import type { Pool } from '../domain/pool.ts';
import type { Wanted } from '../threads/messages.ts';
import type { Pools } from './pools.ts';

/** Tells the autoscaler about work, and other routers about this one. */
export interface LoadReporter extends Disposable {
  /** Somebody waits for a pool where nobody did: that wakes at once. */
  wake(wanted: Wanted): void;
  /** One more container is wanted although nobody waits; told once in each report's time. */
  wakeForMore(wanted: Wanted): void;
  /** Says soon what it sees, but not for each request. */
  reportSoon(): void;
  /** Says at once what it sees, and that it is there. */
  report(): void;
}

const EVERY_MS = 1_000;
/** Waiting grows: how long a report may take that is asked for by it. */
const SOON_MS = 20;

/** `routerId` is the same after a restart: what the process before said last is then replaced, not added to. */
export function createLoadReporter(
  nats: Nats,
  pools: Pools,
  paramsOf: (poolId: string) => Buffer | undefined,
  routerId: string,
): LoadReporter {
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
      router.LoadReport.create({
        routerId,
        sequence,
        pools: [...pools.all()].flatMap((pool) => loadOf(pool, paramsOf)),
      }),
    );
  };
  const wakeOf = ({ poolId, appId, traceparent }: Wanted, queued: number): router.PoolWake => ({
    ...{ poolId, appId, traceparent, queued },
    serializedParams: paramsOf(poolId),
  });
  const reportSoon = (): void => {
    soon ??= setTimeout(report, SOON_MS);
  };
  const timer = setInterval(report, EVERY_MS);
  return {
    report,
    reportSoon,
    wake(wanted) {
      // One that was forgotten just now: who waits asks for it anew, and wakes again.
      const queued = pools.find(wanted.poolId)?.queued;
      if (queued === undefined) return;
      publish(nats, subjects.poolWake, wanted.poolId, wakeOf(wanted, Math.max(1, queued)));
      reportSoon();
    },
    wakeForMore(wanted) {
      if (short.has(wanted.poolId)) return;
      short.add(wanted.poolId);
      publish(nats, subjects.poolWake, wanted.poolId, wakeOf(wanted, 1));
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      clearTimeout(soon);
    },
  };
}

function loadOf(pool: Pool, paramsOf: (poolId: string) => Buffer | undefined): router.PoolLoad[] {
  const { poolId, inFlight, queued } = pool;
  const started = pool.takeStarted();
  if (inFlight === 0 && queued === 0 && started === 0) return [];
  const inFlightByContainer = pool.inFlightByContainer();
  return [{ poolId, inFlight, queued, started, inFlightByContainer, serializedParams: paramsOf(poolId) }];
}
