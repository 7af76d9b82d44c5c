import { stat } from 'node:fs/promises';
import { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { ImageStore } from './adapters/image-store.ts';
import type { InsideImage } from './adapters/inside-image.ts';
import { pythonAt } from './adapters/python-of-image.ts';
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
  readonly inside: InsideImage;
}

export function createFileSystems(needs: Needs): FileSystems {
  const prepared = new Map<string, Promise<imageBuilder.PrepareFileSystemResponse>>();
  return {
    async prepare(request) {
      const key = `${request.imageId} ${request.clientVersion} ${request.builderVersion}`;
      const known = await prepared.get(key)?.catch(() => undefined);
      if (known && (await areThere(known.layerDirectories))) return known;
      if (known) prepared.delete(key);
      const going = prepared.get(key) ?? make(needs, request);
      prepared.set(key, going);
      going.catch(() => prepared.delete(key));
      return going;
    },
  };
}

/** The cache of the machine may have been emptied behind our back. */
async function areThere(folders: readonly string[]): Promise<boolean> {
  const found = await Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)));
  return found.every((one) => one !== undefined);
}

async function make(
  { builds, store, runtime, inside }: Needs,
  { imageId, clientVersion, builderVersion }: imageBuilder.PrepareFileSystemRequest,
): Promise<imageBuilder.PrepareFileSystemResponse> {
  const config = await builtConfig(builds, imageId);
  if (!(await store.has(storeName(imageId)))) await builds.untilReady(imageId);
  const layers = await store.layersOf(storeName(imageId));
  if (!clientVersion) return { config, layerDirectories: layers };
  if (!config.pythonVersion) {
    throw new DomainError(
      'failed-precondition',
      'image.no_python',
      `The image ${imageId} has no Python on its PATH: use add_python=, or an image that has one.`,
    );
  }
  const interpreter = await interpreterOf(inside, layers, config);
  const above = await runtime.ensure({ clientVersion, builderVersion, interpreter });
  return { config, layerDirectories: [...above, ...layers] };
}

async function builtConfig(builds: Builds, imageId: string): Promise<imageBuilder.ImageConfig> {
  const { config, state } = await builds.get(imageId);
  if (config && state === imageBuilder.ImageState.READY) return config;
  throw new DomainError('failed-precondition', 'image.not_built', `The image ${imageId} is not built.`);
}

/**
 * The image's Python with the lowest layers that have it. Bytecode made by them is shared by all
 * images over them, and no image can put bytecode of its own before another one.
 */
async function interpreterOf(
  inside: InsideImage,
  layers: readonly string[],
  config: imageBuilder.ImageConfig,
): Promise<Interpreter> {
  const { environment, pythonPath: path, pythonAbi: abi, pythonVersion } = config;
  for (let bottom = layers.length - 1; bottom > 0; bottom -= 1) {
    const lowest = layers.slice(bottom);
    const facts = await pythonAt(inside, lowest, path, environment);
    if (facts?.version === pythonVersion && facts.abi === abi) return { layers: lowest, environment, path, abi };
  }
  return { layers, environment, path, abi };
}
