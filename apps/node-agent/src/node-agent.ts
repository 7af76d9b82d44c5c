import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type autoscaler, buckets, control, imageBuilder, streams } from '@portico/contracts';
import { connectGrpc, serveGrpc } from '@portico/grpc';
import { idOfHash } from '@portico/ids';
import { connectNats, type Nats, openBucket, openStream, openView, type View } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { openNetwork } from './adapters/network.ts';
import { createNodeMetrics, observeContainers } from './adapters/node-metrics.ts';
import { describeNode, keepNodeRecord } from './adapters/node-record.ts';
import { openFilesMax } from './adapters/open-files.ts';
import { createReportWriter } from './adapters/report-writer.ts';
import { createRootFileSystems } from './adapters/root-file-system.ts';
import { createRuncDriver } from './adapters/runc-driver.ts';
import type { Config } from './config.ts';
import type { Surroundings } from './container-options.ts';
import { type Containers, createContainers } from './containers.ts';
import { connectForward } from './door/door.ts';
import { nodeApi } from './grpc/node-api.ts';

const SPEC_DEADLINE_MS = 30_000;
const LAYERS_DEADLINE_MS = 300_000;
const RESYNC_MS = 60_000;

/** Everything node-agent is made of, in the order in which it opens. */
export async function startNodeAgent(config: Config, { opened, log }: ServiceContext): Promise<void> {
  await mkdir(config.containersDir, { recursive: true, mode: 0o711 });
  const nodeId = await ownNodeId(config.home);
  const driver = createRuncDriver(config);
  const runtime = await driver.fingerprint();
  const nats = opened.use(await connectNats(config.nats, log));
  const reports = await openBucket(nats, buckets.containers, true);
  const nodes = await openBucket(nats, buckets.nodes, true);
  const logs = await openStream(nats, streams.logs, true);
  const network = opened.use(await openNetwork(config));
  const writer = opened.use(createReportWriter(reports, log));
  const around = await surroundingsOf(config, opened, { driver, network, reports: writer, logs, log });
  const containers = opened.use(await createContainers(around, reports, nodeId));
  observeContainers(() => containers.all().map(({ report }) => report));
  await followPlacements(nats, nodeId, containers, { opened, log });
  const identity = { nodeId, hostName: config.hostName, runtime };
  opened.use(await keepNodeRecord(nodes, identity, log));
  opened.use(
    await serveGrpc({
      address: `unix://${socketOf(config.home, 'node-agent')}`,
      apis: [nodeApi(containers, driver, () => describeNode(identity))],
      log,
    }),
  );
}

type Own = Pick<Surroundings, 'driver' | 'network' | 'reports' | 'logs' | 'log'>;

/** What containers need, with connections to the neighbours that give it. */
async function surroundingsOf(config: Config, opened: AsyncDisposableStack, own: Own): Promise<Surroundings> {
  const specs = opened.use(
    connectGrpc(control.ContainerSpecServiceService, `unix://${socketOf(config.home, 'control')}`),
  );
  const images = opened.use(
    connectGrpc(imageBuilder.ImageServiceService, `unix://${socketOf(config.home, 'image-builder')}`),
  );
  const closing = new AbortController();
  opened.defer(() => closing.abort());
  return {
    ...own,
    closing: closing.signal,
    containersDir: config.containersDir,
    defaultMemoryBytes: config.defaultMemoryBytes,
    openFilesMax: await openFilesMax(),
    termGraceMs: config.termGraceMs,
    rootFileSystems: createRootFileSystems(config.home),
    forward: opened.use(connectForward(`unix://${socketOf(config.home, 'control-door')}`)),
    specOf: (placement) => specOf(specs, placement),
    fileSystemOf: (imageId, { clientVersion, imageBuilderVersion, plainImage }) =>
      images.prepareFileSystem(
        { imageId, clientVersion: plainImage ? '' : clientVersion, builderVersion: imageBuilderVersion },
        { deadlineMs: LAYERS_DEADLINE_MS },
      ),
    metrics: createNodeMetrics(),
  };
}

async function specOf(
  specs: ReturnType<typeof connectGrpc<typeof control.ContainerSpecServiceService>>,
  { containerId, pool }: autoscaler.Placement,
): Promise<control.ContainerSpec> {
  const { spec } = await specs.getContainerSpec(
    {
      containerId,
      ...{ poolId: pool?.poolId ?? '', appId: pool?.appId ?? '', definitionId: pool?.definitionId ?? '' },
      ...(pool?.serializedParams.length && { serializedParams: pool.serializedParams }),
    },
    { deadlineMs: SPEC_DEADLINE_MS },
  );
  if (!spec) throw new Error(`control gave no specification for ${containerId}`);
  return spec;
}

/** Makes the containers match the placements: at once when one changes, and every minute in any case. */
async function followPlacements(
  nats: Nats,
  nodeId: string,
  containers: Containers,
  { opened, log }: Pick<ServiceContext, 'opened' | 'log'>,
): Promise<void> {
  let wanted: View<autoscaler.Placement> | undefined;
  // Not before all of it is known: what is not placed would be drained.
  const sync = (): void => {
    if (wanted) containers.sync([...wanted.entries()].map(([, placement]) => placement));
  };
  const onChange = (): void => queueMicrotask(sync);
  wanted = opened.use(await openView(nats, buckets.placements, { log, filter: `${nodeId}.*`, onChange }));
  const resync = setInterval(sync, RESYNC_MS);
  opened.defer(() => clearInterval(resync));
  sync();
}

/** The node's id, made once and kept with its state. */
async function ownNodeId(home: string): Promise<string> {
  const path = join(home, 'node-id');
  const fresh = idOfHash('node', Buffer.from(randomUUID()));
  await writeFile(path, fresh, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return (await readFile(path, 'utf8')).trim();
}
