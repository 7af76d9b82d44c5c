import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buckets, streams } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, openBucket, openStream } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import { createBaseImages } from './adapters/base-images.ts';
import { createLayerBuilder, type LayerBuilder } from './adapters/build-layer.ts';
import { createHostNetwork, createIsolatedNetwork } from './adapters/build-network.ts';
import { tidyFolders } from './adapters/content-folder.ts';
import { type ImageStore, openImageStore } from './adapters/image-store.ts';
import { createInsideImage } from './adapters/inside-image.ts';
import { createOfflineImages } from './adapters/offline-images.ts';
import { createPythonPackages } from './adapters/python-packages.ts';
import { createRegistryReach } from './adapters/registry-reach.ts';
import { createRunAmendments } from './adapters/run-amendments.ts';
import { createRuntimeLayers } from './adapters/runtime-layers.ts';
import { createBuildRun } from './build-run.ts';
import { createBuilds } from './builds.ts';
import type { Config } from './config.ts';
import { createFileSystems } from './file-systems.ts';
import { imageApi } from './grpc/image-api.ts';
import { createRunningBuilds } from './running-builds.ts';

/** Everything image-builder is made of, in the order in which it opens. */
export async function startImageBuilder(config: Config, { opened, log }: ServiceContext): Promise<void> {
  await mkdir(config.imagesDir, { recursive: true });
  const store = await openImageStore({
    own: config.imagesDir,
    shared: join(config.cacheDir, 'images'),
    environment: config.environment,
  });
  const layers = openLayerBuilder(config, store, opened);
  const inside = createInsideImage(join(config.imagesDir, 'looks'), config.build.ociRuntime);
  const runtimeFolder = join(config.cacheDir, 'layers');
  const packages = createPythonPackages(config.python);
  const runtime = createRuntimeLayers({ packages, inside, folder: runtimeFolder, runnerDir: config.runnerDir });
  // What a process before us left half made.
  await Promise.all([store.tidy(), layers.tidy(), tidyFolders(runtimeFolder)]);
  const nats = opened.use(await connectNats(config.nats, log));
  const images = await openBucket(nats, buckets.images, true);
  const buildLog = await openStream(nats, streams.buildLogs, true);
  const run = createBuildRun({ log: buildLog, store, inside, layers, buildsAtOnce: config.build.atOnce, logger: log });
  const running = opened.use(createRunningBuilds({ images, store, run }));
  const builds = createBuilds(store, running);
  const fileSystems = createFileSystems({ builds, store, runtime, inside });
  const address = `unix://${socketOf(config.home, 'image-builder')}`;
  opened.use(await serveGrpc({ address, apis: [imageApi({ builds, fileSystems, log: buildLog })], log }));
}

function openLayerBuilder(
  { home, imagesDir, cacheDir, runtimeDir, build, registry, instance }: Config,
  store: ImageStore,
  opened: AsyncDisposableStack,
): LayerBuilder {
  const network = opened.use(build.network === 'host' ? createHostNetwork() : createIsolatedNetwork(instance));
  const reach = createRegistryReach(registry);
  const offline = createOfflineImages({ store, runtimeDir, cacheDir, debianMirror: build.debianMirror });
  return createLayerBuilder({
    store,
    bases: createBaseImages({
      store,
      offline,
      reach,
      pullTimeoutMs: registry.timeoutMs,
      insecureRegistries: registry.insecure,
    }),
    network,
    amendments: createRunAmendments({ caBundle: build.caBundle, pipVariables: build.pipVariables }),
    blobsDir: join(home, 'blobs'),
    workDir: join(imagesDir, 'builds'),
    runtimeDir,
    ociRuntime: build.ociRuntime,
    timeoutMs: build.timeoutMs,
  });
}
