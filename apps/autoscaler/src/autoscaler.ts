import { buckets, type control, type nodeAgent, subjects } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, type Nats, openBucket, openView, subscribe, viewOf } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { createPlacementWriter } from './adapters/placement-writer.ts';
import { observeScaler } from './adapters/scaler-metrics.ts';
import type { Config } from './config.ts';
import { type BoundPools, createBoundPools } from './domain/bound-pools.ts';
import { createLoadLedger, type LoadLedger } from './domain/load-ledger.ts';
import { createOverrides } from './domain/settings.ts';
import { createFailureCounter } from './domain/start-failures.ts';
import { scalerApi } from './grpc/scaler-api.ts';
import { createScaler, type Scaler } from './scaler.ts';
import { listenToExpiry } from './subjects/container-expired.ts';

/** Everything the autoscaler is made of, in the order in which it opens. */
export async function startAutoscaler(config: Config, { opened, log }: ServiceContext): Promise<void> {
  const nats = opened.use(await connectNats(config.nats, log));
  const store = await openBucket(nats, buckets.placements, true);
  const [ledger, failures, overrides] = [createLoadLedger(), createFailureCounter(), createOverrides()];
  const bound = createBoundPools();
  let scaler: Scaler | undefined;
  const onChange = (): void => scaler?.nudge();
  const onLive = ({ value }: { value: control.LiveApp | undefined }, before: control.LiveApp | undefined): void => {
    if (before && before.version !== value?.version) {
      for (const { functionId } of before.pools) overrides.forget(functionId);
      for (const { poolId } of value?.pools ?? []) failures.reset(poolId);
    }
    onChange();
  };
  const onContainer = (
    { value }: { value: nodeAgent.Container | undefined },
    before: nodeAgent.Container | undefined,
  ): void => {
    if (value && value.state !== before?.state) failures.saw(value, Date.now());
    onChange();
  };
  const placements = opened.use(await viewOf(nats, store, 'placements', { log }));
  const live = opened.use(await openView(nats, buckets.live, { log, onChange: onLive }));
  const nodes = opened.use(await openView(nats, buckets.nodes, { log, onChange }));
  const containers = opened.use(await openView(nats, buckets.containers, { log, onChange: onContainer }));
  const writer = createPlacementWriter({ store, placements, containers, log });
  const reachableSinceMs = nats.reachableSinceMs;
  const { maxContainers: platformMax, home, tickMs } = config;
  scaler = opened.use(
    createScaler({
      live,
      placements,
      containers,
      nodes,
      writer,
      ledger,
      bound,
      failures,
      overrides,
      platformMax,
      reachableSinceMs,
      log,
    }),
  );
  opened.use(listenToExpiry(nats, placements, writer, log));
  listenToWork(nats, { scaler, ledger, bound, opened, log });
  const tick = setInterval(onChange, tickMs);
  opened.defer(() => clearInterval(tick));
  scaler.nudge();
  observeScaler(scaler);
  const api = scalerApi({ scaler, writer, overrides, live });
  opened.use(await serveGrpc({ address: `unix://${socketOf(home, 'autoscaler')}`, apis: [api], log }));
}

/** New demand is acted on when it is heard, not at the next tick. */
function listenToWork(
  nats: Nats,
  {
    scaler,
    ledger,
    bound,
    opened,
    log,
  }: Pick<ServiceContext, 'opened' | 'log'> & {
    readonly scaler: Scaler;
    readonly ledger: LoadLedger;
    readonly bound: BoundPools;
  },
): void {
  const wake = subscribe(
    nats,
    subjects.poolWake,
    ({ queued, traceparent, serializedParams }, poolId) => {
      bound.heard(poolId, serializedParams, Date.now());
      ledger.wake(poolId, queued, Date.now());
      scaler.wake(poolId, traceparent);
    },
    log,
  );
  const load = subscribe(
    nats,
    subjects.load,
    (report) => {
      for (const { poolId, serializedParams } of report.pools) bound.heard(poolId, serializedParams, Date.now());
      ledger.report(report, Date.now());
      scaler.nudge();
    },
    log,
  );
  opened.use(wake);
  opened.use(load);
}
