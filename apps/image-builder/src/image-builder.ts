import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buckets, streams } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, openBucket, openStream } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { createBaseImages } from './adapters/base-images.ts';
import { createLayerBuilder } from './adapters/build-layer.ts';
import { openImageStore } from './adapters/image-store.ts';
import { createRuntimeLayers } from './adapters/runtime-layers.ts';
import { createBuilds } from './builds.ts';
import type { Config } from './config.ts';
import { createFileSystems } from './file-systems.ts';
import { imageApi } from './grpc/image-api.ts';

/** Everything image-builder is made of, in the order in which it opens. */
export async function startImageBuilder(config: Config, { opened, log }: ServiceContext): Promise<void> {
  await mkdir(config.imagesDir, { recursive: true });
  const store = openImageStore(config.imagesDir);
  const bases = createBaseImages(store, config.imagesDir, config.registryTimeoutMs);
  const layers = createLayerBuilder({
    store,
    bases,
    blobsDir: join(config.home, 'blobs'),
    runtime: config.buildRuntime,
    runEnvironment: config.runEnvironment,
  });
  const runtime = createRuntimeLayers({ store, folder: join(config.imagesDir, 'layers'), runnerDir: config.runnerDir });
  const nats = opened.use(await connectNats(config.nats, log));
  const images = await openBucket(nats, buckets.images, true);
  const buildLog = await openStream(nats, streams.buildLogs, true);
  const builds = createBuilds({ images, log: buildLog, store, layers, buildsAtOnce: config.buildsAtOnce, logger: log });
  const fileSystems = createFileSystems(builds, store, runtime);
  const address = `unix://${socketOf(config.home, 'image-builder')}`;
  opened.use(await serveGrpc({ address, apis: [imageApi({ builds, fileSystems, log: buildLog })], log }));
}
