import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storeName } from '../domain/dockerfile.ts';
import { type CommandOptions, mustRun, runCommand } from './command.ts';

/** What an image says about how it is run. */
export interface StoredConfig {
  readonly environment: Map<string, string>;
  readonly entrypoint: string[];
  readonly command: string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly exposedPorts: number[];
}

/** The store of buildah under one folder: its images are chains of layer directories. */
export interface ImageStore {
  readonly globalArguments: readonly string[];
  has(name: string): Promise<boolean>;
  /** Directories of an image's layers, top first, by the store's own short links. */
  layersOf(imageId: string): Promise<string[]>;
  configOf(imageId: string): Promise<StoredConfig>;
  buildah(args: readonly string[], options?: CommandOptions): ReturnType<typeof runCommand>;
}

interface OciConfig {
  OCIv1?: { config?: { Env?: string[]; Entrypoint?: string[]; Cmd?: string[]; WorkingDir?: string; User?: string; ExposedPorts?: Record<string, unknown> } };
}

export function openImageStore(folder: string): ImageStore {
  const storage = join(folder, 'storage');
  const globalArguments = ['--root', storage, '--runroot', join(folder, 'runroot'), '--storage-driver', 'overlay'];
  const buildah: ImageStore['buildah'] = (args, options) => runCommand('buildah', [...globalArguments, ...args], options);
  return {
    globalArguments,
    buildah,
    has: async (name) => (await buildah(['inspect', '--type', 'image', '--format', '{{.FromImageID}}', name])).exitCode === 0,
    layersOf: (imageId) => layersOf(storage, storeName(imageId)),
    async configOf(imageId) {
      const text = await mustRun('buildah', [...globalArguments, 'inspect', '--type', 'image', storeName(imageId)]);
      return configOf(JSON.parse(text) as OciConfig);
    },
  };
}

async function layersOf(storage: string, name: string): Promise<string[]> {
  const images = JSON.parse(await readFile(join(storage, 'overlay-images/images.json'), 'utf8')) as { names?: string[]; layer: string }[];
  const layers = JSON.parse(await readFile(join(storage, 'overlay-layers/layers.json'), 'utf8')) as { id: string; parent?: string }[];
  const parents = new Map(layers.map((layer) => [layer.id, layer.parent]));
  const chain: string[] = [];
  for (let id = images.find((image) => image.names?.includes(name))?.layer; id; id = parents.get(id)) {
    const link = await readFile(join(storage, 'overlay', id, 'link'), 'utf8');
    chain.push(join(storage, 'overlay/l', link));
  }
  if (chain.length === 0) throw new Error(`${name} is not in the image store`);
  return chain;
}

function configOf({ OCIv1 }: OciConfig): StoredConfig {
  const config = OCIv1?.config ?? {};
  return {
    environment: new Map((config.Env ?? []).map((entry) => splitOnce(entry))),
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    workingDirectory: config.WorkingDir ?? '',
    user: config.User ?? '',
    exposedPorts: Object.keys(config.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10)),
  };
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return [entry.slice(0, at), entry.slice(at + 1)];
}
