import { meterOf } from '@portico/telemetry';
import type { Scaler } from '../scaler.ts';

/** Tells of every pool how many containers it wants, has and fails to start. */
export function observeScaler(scaler: Pick<Scaler, 'describe'>): void {
  const meter = meterOf('autoscaler');
  const wanted = meter.createObservableGauge('portico.pool.wanted', {
    description: 'Containers that a pool should have',
  });
  const containers = meter.createObservableGauge('portico.pool.containers', { description: 'Containers that it has' });
  const failed = meter.createObservableGauge('portico.pool.failed_starts', {
    description: 'Starts that have failed in a row',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const { view, decision } of scaler.describe()) {
        const { poolId, appId, functionTag } = view.spec;
        const pool = { 'pool.id': poolId, 'app.id': appId, 'function.tag': functionTag };
        result.observe(wanted, decision.wanted, pool);
        result.observe(failed, view.state.failures.count, pool);
        for (const state of ['starting', 'ready', 'draining']) {
          const count = view.state.containers.filter((container) => container.state === state).length;
          result.observe(containers, count, { ...pool, 'container.state': state });
        }
      }
    },
    [wanted, containers, failed],
  );
}
