import { buckets, subjects } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, openBucket, openView, subscribe, viewOf } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import type { Config } from './config.ts';
import { createLoadLedger } from './domain/load-ledger.ts';
import type { SettingsOverride } from './domain/settings.ts';
import { scalerApi } from './grpc/scaler-api.ts';
import { createFailureCounter, createScaler, type Scaler } from './scaler.ts';

/** Everything the autoscaler is made of, in the order in which it opens. */
export async function startAutoscaler(config: Config, { opened, log }: ServiceContext): Promise<void> {
  const nats = opened.use(await connectNats(config.nats, log));
  const store = await openBucket(nats, buckets.placements, true);
  const ledger = createLoadLedger();
  const failures = createFailureCounter();
  const overrides = new Map<string, SettingsOverride>();
  let scaler: Scaler | undefined;
  const onChange = (): void => scaler?.nudge();
  const placements = opened.use(await viewOf(nats, store, 'placements', { log }));
  const live = opened.use(await openView(nats, buckets.live, { log, onChange }));
  const nodes = opened.use(await openView(nats, buckets.nodes, { log, onChange: (_, before) => before ?? onChange() }));
  const containers = opened.use(
    await openView(nats, buckets.containers, {
      log,
      onChange({ value }, before) {
        if (value && value.state !== before?.state) failures.saw(value, Date.now());
        onChange();
      },
    }),
  );
  scaler = createScaler({ live, placements, containers, nodes, store, ledger, failures, overrides, platformMax: config.maxContainers, log });
  const running = scaler;
  opened.use(
    subscribe(nats, subjects.poolWake, (wake, poolId) => {
      ledger.wake(poolId, wake.queued, Date.now());
      running.nudge(poolId, wake.traceparent);
    }, log),
  );
  opened.use(
    subscribe(nats, subjects.load, (report) => {
      ledger.report(report, Date.now());
      running.nudge();
    }, log),
  );
  opened.use(subscribe(nats, subjects.containerExpired, (expired, id) => void running.stop(id, expired.reason, true), log));
  const tick = setInterval(() => running.nudge(), config.tickMs);
  opened.defer(() => clearInterval(tick));
  running.nudge();
  const address = `unix://${socketOf(config.home, 'autoscaler')}`;
  opened.use(await serveGrpc({ address, apis: [scalerApi(running, overrides)], log }));
}
