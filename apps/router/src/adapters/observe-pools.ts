import { meterOf } from '@portico/telemetry';
import type { Replica } from '../replica.ts';
import type { ServingThreads } from '../threads/serving-threads.ts';

/** Lets telemetry see how many requests run and wait, how many results there are, and how busy the threads are. */
export function observePools(
  { pools, keptCalls }: Pick<Replica, 'pools' | 'keptCalls'>,
  threads: ServingThreads,
): void {
  const meter = meterOf('router');
  const inFlight = meter.createObservableGauge('portico.router.in_flight', { description: 'Requests in containers' });
  const queued = meter.createObservableGauge('portico.router.queued', { description: 'Requests that wait for a slot' });
  const waiting = meter.createObservableGauge('portico.router.results', {
    description: 'Calls that go on without their clients, and answers that wait for them',
  });
  const busy = meter.createObservableGauge('portico.router.thread.utilization', {
    description: 'Share of its time that a thread has spent with work since the last report',
    unit: '1',
  });
  meter.addBatchObservableCallback(
    (result) => {
      const all = [...pools.all()];
      result.observe(inFlight, sum(all.map((pool) => pool.inFlight)));
      result.observe(waiting, keptCalls());
      for (const [thread, share] of threads.utilization().entries()) result.observe(busy, share, { thread });
      result.observe(queued, sum(all.map((pool) => pool.queued)));
    },
    [inFlight, queued, waiting, busy],
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
