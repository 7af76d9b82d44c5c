import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autoscaler, buckets, control, nodeAgent, router, subjects } from '@portico/contracts';
import { connectGrpc, type GrpcClient } from '@portico/grpc';
import { type Bucket, connectNats, openBucket, openView, publish, type View } from '@portico/messaging';
import { natsServer, silentLog, type TestNats } from '@portico/testing';
import { startAutoscaler } from '../src/autoscaler.ts';

const { STARTING, READY, DRAINING, EXITED } = nodeAgent.ContainerState;

/** The neighbours of the autoscaler, scripted, on a real NATS server. */
export interface SimulatedPlatform extends AsyncDisposable {
  readonly server: TestNats;
  readonly live: Bucket<control.LiveApp>;
  readonly placements: View<autoscaler.Placement>;
  readonly client: GrpcClient<typeof autoscaler.AutoscalerServiceService>;
  /** Starts an autoscaler; disposing ends it as a stop of its process would. */
  scaler(): Promise<AsyncDisposable>;
  wake(poolId: string, queued: number, traceparent?: string): void;
  /** From now on the router says this, every 200 ms. */
  routerSays(...pools: Partial<router.PoolLoad>[]): void;
  routerFallsSilent(): void;
  /** What becomes of the containers of a pool; `ready` unless said otherwise. */
  behaves(poolId: string, how: 'ready' | 'fails' | 'starts'): void;
  /** Ids of the containers of a pool that should run. */
  running(poolId: string): string[];
}

export function poolOf(poolId: string, changes: Partial<control.PoolSpec> = {}): control.PoolSpec {
  return control.PoolSpec.create({
    poolId,
    appId: 'ap-1',
    functionId: 'fu-1',
    functionTag: 'web',
    maxConcurrentInputs: 1,
    targetConcurrentInputs: 1,
    scaledownWindowMs: 2_000,
    timeoutMs: 300_000,
    ...changes,
  });
}

export function appOf(
  version: number,
  pools: control.PoolSpec[],
  previousPools: control.PoolSpec[] = [],
): control.LiveApp {
  const state = control.AppState.RUNNING;
  return control.LiveApp.create({ appId: 'ap-1', name: 'app', version, state, pools, previousPools });
}

export async function simulatedPlatform(): Promise<SimulatedPlatform> {
  const opened = new AsyncDisposableStack();
  const server = opened.use(await natsServer());
  const home = await mkdtemp(join(tmpdir(), 'portico-scaler-'));
  opened.defer(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'run'));
  const ofControl = opened.use(await connectNats(server.optionsOf('control'), silentLog));
  const ofRouter = opened.use(await connectNats(server.optionsOf('router'), silentLog));
  const live = await openBucket(ofControl, buckets.live, true);
  const behaviours = new Map<string, 'ready' | 'fails' | 'starts'>();
  // Its owner makes the bucket, and the node waits for it.
  const ofScaler = opened.use(await connectNats(server.optionsOf('autoscaler'), silentLog));
  await openBucket(ofScaler, buckets.placements, true);
  const placements = await simulateNode(server, opened, behaviours);
  const routerReports = reportsOf((pools, sequence) =>
    publish(ofRouter, subjects.load, '', router.LoadReport.create({ routerId: 'r1', sequence, pools })),
  );
  opened.defer(routerReports.stop);
  return {
    server,
    live,
    placements,
    client: opened.use(connectGrpc(autoscaler.AutoscalerServiceService, `unix://${home}/run/autoscaler.sock`)),
    async scaler() {
      const stack = new AsyncDisposableStack();
      const common = { home, workspace: 'local', logLevel: 'silent', otlpEndpoint: undefined, graceMs: 1_000 };
      const config = { ...common, nats: server.optionsOf('autoscaler'), maxContainers: 100, tickMs: 50 };
      await startAutoscaler(config, { opened: stack, log: silentLog, stopping: new AbortController().signal });
      return stack;
    },
    wake: (poolId, queued, traceparent = '') =>
      publish(ofRouter, subjects.poolWake, poolId, { poolId, appId: 'ap-1', queued, traceparent }),
    routerSays: (...pools) => routerReports.say(pools.map((pool) => router.PoolLoad.create(pool))),
    routerFallsSilent: routerReports.stop,
    behaves: (poolId, how) => void behaviours.set(poolId, how),
    running: (poolId) =>
      [...placements.entries()]
        .map(([, placement]) => placement)
        .filter(({ desired, pool }) => desired === autoscaler.Desired.RUN && pool?.poolId === poolId)
        .map(({ containerId }) => containerId),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function reportsOf(send: (pools: router.PoolLoad[], sequence: bigint) => void) {
  let sequence = 0n;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearInterval(timer);
  return {
    stop,
    say(pools: router.PoolLoad[]) {
      stop();
      const tell = (): void => send(pools, ++sequence);
      tell();
      timer = setInterval(tell, 200);
    },
  };
}

/** One node whose containers do at once what is asked, or fail if told so. */
async function simulateNode(
  server: TestNats,
  opened: AsyncDisposableStack,
  behaviours: ReadonlyMap<string, 'ready' | 'fails' | 'starts'>,
): Promise<View<autoscaler.Placement>> {
  const nats = opened.use(await connectNats(server.optionsOf('node-agent'), silentLog));
  const containers = await openBucket(nats, buckets.containers, true);
  const nodes = await openBucket(nats, buckets.nodes, true);
  const leaseUntil = Date.now() / 1000 + 600;
  await nodes.put(
    'no-1',
    nodeAgent.Node.create({ nodeId: 'no-1', cpuMillis: 64_000, memoryBytes: 2n ** 36n, leaseUntil }),
  );
  const told = new Map<string, Promise<unknown>>();
  const tell = (report: nodeAgent.Container): void => {
    const before = told.get(report.containerId) ?? Promise.resolve();
    // Cut off when the server is killed or the test ends; the next report says all there is to say.
    told.set(
      report.containerId,
      before.then(() => containers.put(report.containerId, report)).catch(() => undefined),
    );
  };
  return opened.use(
    await openView(nats, buckets.placements, {
      log: silentLog,
      onChange({ value }, before) {
        if (!value || value.desired === before?.desired) return;
        const { containerId, nodeId, pool, enqueuedAt } = value;
        const ids = { containerId, nodeId, poolId: pool?.poolId ?? '', appId: pool?.appId ?? '', enqueuedAt };
        const report = (changes: Partial<nodeAgent.Container>): void =>
          tell(nodeAgent.Container.create({ ...ids, ...changes }));
        const nowSeconds = Date.now() / 1000;
        if (value.desired === autoscaler.Desired.DRAIN) {
          report({ state: DRAINING, wasReady: true });
          report({ state: EXITED, wasReady: true, exitReason: nodeAgent.ExitReason.STOPPED, finishedAt: nowSeconds });
          return;
        }
        report({ state: STARTING });
        const how = behaviours.get(ids.poolId) ?? 'ready';
        if (how === 'ready') report({ state: READY, wasReady: true, readyAt: nowSeconds });
        if (how === 'fails')
          report({ state: EXITED, exitReason: nodeAgent.ExitReason.STARTUP_FAILED, finishedAt: nowSeconds });
      },
    }),
  );
}
