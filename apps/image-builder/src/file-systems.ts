import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { ImageStore } from './adapters/image-store.ts';
import type { Interpreter, RuntimeLayers } from './adapters/runtime-layers.ts';
import type { Builds } from './builds.ts';
import { storeName } from './domain/image-name.ts';

/** Which directories make the file system of a container; remembered, since every cold start asks. */
export interface FileSystems {
  prepare(request: imageBuilder.PrepareFileSystemRequest): Promise<imageBuilder.PrepareFileSystemResponse>;
}

interface Needs {
  readonly builds: Builds;
  readonly store: ImageStore;
  readonly runtime: RuntimeLayers;
}

export function createFileSystems(needs: Needs): FileSystems {
  const prepared = new Map<string, Promise<imageBuilder.PrepareFileSystemResponse>>();
  return {
    prepare(request) {
      const key = `${request.imageId} ${request.clientVersion} ${request.builderVersion}`;
      const going = prepared.get(key) ?? make(needs, request);
      prepared.set(key, going);
      going.catch(() => prepared.delete(key));
      return going;
    },
  };
}

async function make(
  { builds, store, runtime }: Needs,
  { imageId, clientVersion, builderVersion }: imageBuilder.PrepareFileSystemRequest,
): Promise<imageBuilder.PrepareFileSystemResponse> {
  const config = await builtConfig(builds, imageId);
  const layers = await store.layersOf(storeName(imageId));
  if (!clientVersion) return { config, layerDirectories: layers };
  if (!config.pythonVersion) {
    throw new DomainError(
      'failed-precondition',
      'image.no_python',
      `The image ${imageId} has no Python on its PATH: use add_python=, or an image that has one.`,
    );
  }
  const interpreter = await interpreterOf(builds, store, imageId, config);
  const above = await runtime.ensure({ clientVersion, builderVersion, interpreter });
  return { config, layerDirectories: [...above, ...layers] };
}

async function builtConfig(builds: Builds, imageId: string): Promise<imageBuilder.ImageConfig> {
  const { config, state } = await builds.get(imageId);
  if (config && state === imageBuilder.ImageState.READY) return config;
  throw new DomainError('failed-precondition', 'image.not_built', `The image ${imageId} is not built.`);
}

/** The lowest image below this one that has the same Python: what builds on it shares its bytecode. */
async function interpreterOf(
  builds: Builds,
  store: ImageStore,
  imageId: string,
  config: imageBuilder.ImageConfig,
): Promise<Interpreter> {
  let lowest = { imageId, config };
  for (let next = await belowOf(builds, imageId); next; next = await belowOf(builds, next.imageId)) {
    const isSame = next.config?.pythonVersion === config.pythonVersion && next.config.pythonPath === config.pythonPath;
    if (!isSame || !next.config || !(await store.has(storeName(next.imageId)))) break;
    lowest = { imageId: next.imageId, config: next.config };
  }
  return {
    layers: await store.layersOf(storeName(lowest.imageId)),
    environment: lowest.config.environment,
    path: config.pythonPath,
    abi: config.pythonAbi,
  };
}

async function belowOf(builds: Builds, imageId: string): Promise<imageBuilder.Image | undefined> {
  const [below] = (await builds.get(imageId)).recipe?.baseImageIds ?? [];
  return below === undefined ? undefined : await builds.find(below);
}
