import { meterOf } from '@portico/telemetry';
import type { Pools } from './pools.ts';

/** Lets telemetry see how many requests run and wait, and how many results. */
export function observePools(pools: Pools, results: { readonly count: number }): void {
  const meter = meterOf('router');
  const inFlight = meter.createObservableGauge('portico.router.in_flight', { description: 'Requests in containers' });
  const queued = meter.createObservableGauge('portico.router.queued', { description: 'Requests that wait for a slot' });
  const waiting = meter.createObservableGauge('portico.router.results', {
    description: 'Calls that go on without their clients, and answers that wait for them',
  });
  meter.addBatchObservableCallback(
    (result) => {
      const all = [...pools.all()];
      result.observe(inFlight, sum(all.map((pool) => pool.inFlight)));
      result.observe(waiting, results.count);
      result.observe(queued, sum(all.map((pool) => pool.queued)));
    },
    [inFlight, queued, waiting],
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
