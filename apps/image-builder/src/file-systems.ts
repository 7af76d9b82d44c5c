import type { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { ImageStore } from './adapters/image-store.ts';
import type { RuntimeLayers } from './adapters/runtime-layers.ts';
import type { Builds } from './builds.ts';

/** Which directories make the file system of a container; remembered, since every cold start asks. */
export interface FileSystems {
  prepare(request: imageBuilder.PrepareFileSystemRequest): Promise<imageBuilder.PrepareFileSystemResponse>;
}

export function createFileSystems(builds: Builds, store: ImageStore, runtime: RuntimeLayers): FileSystems {
  const prepared = new Map<string, Promise<imageBuilder.PrepareFileSystemResponse>>();
  const make = async ({ imageId, clientVersion, builderVersion }: imageBuilder.PrepareFileSystemRequest) => {
    const { config } = await builds.get(imageId);
    if (!config) throw new DomainError('failed-precondition', 'image.not_built', `The image ${imageId} is not built.`);
    const layers = await store.layersOf(imageId);
    if (!clientVersion) return { config, layerDirectories: layers };
    const series = config.pythonVersion;
    if (!series) throw new DomainError('failed-precondition', 'image.no_python', `The image ${imageId} has no Python on its PATH: use add_python=, or an image that has one.`);
    return { config, layerDirectories: [...(await runtime.ensure({ clientVersion, builderVersion, series, imageId })), ...layers] };
  };
  return {
    prepare(request) {
      const key = `${request.imageId} ${request.clientVersion} ${request.builderVersion}`;
      const going = prepared.get(key) ?? make(request);
      prepared.set(key, going);
      going.catch(() => prepared.delete(key));
      return going;
    },
  };
}
