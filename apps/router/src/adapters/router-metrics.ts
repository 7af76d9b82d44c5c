import { meterOf } from '@portico/telemetry';
import type { Pools } from './pools.ts';

/** What the router counts of requests; nothing is counted while no telemetry runs. */
export interface RouterMetrics {
  /** A request is over. */
  requestEnded(status: number, seconds: number): void;
  /** A request got its slot after waiting. */
  waited(seconds: number): void;
}

export function createRouterMetrics(
  pools: Pools,
  results: { readonly count: number },
  isTelling: boolean,
): RouterMetrics {
  if (!isTelling) return { requestEnded: () => undefined, waited: () => undefined };
  const meter = meterOf('router');
  const durations = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'From the head of a request to the end of its answer',
  });
  const waits = meter.createHistogram('portico.router.wait.duration', {
    unit: 's',
    description: 'How long requests waited for a slot, if they had to',
  });
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
  return {
    requestEnded: (status, seconds) => durations.record(seconds, { 'http.response.status_code': status }),
    waited: (seconds) => waits.record(seconds),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
