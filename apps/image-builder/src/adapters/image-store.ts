import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand, runConfined } from './command.ts';

/** What an image says about how it is run. */
export interface StoredConfig {
  readonly environment: Map<string, string>;
  readonly entrypoint: string[];
  readonly command: string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly exposedPorts: number[];
}

/**
 * `own` belongs to this instance; `shared` lies in the cache of the machine and holds what is the
 * same for everybody. Images of `own` may stand on layers of `shared`.
 */
export type StorePart = 'own' | 'shared';

/** The images of this machine: chains of layer directories, kept by buildah. */
export interface ImageStore {
  /** Whether an image is there with all its layers. */
  has(name: string): Promise<boolean>;
  /** Directories of an image's layers, top first, by short links: mount options end at one page. */
  layersOf(name: string): Promise<string[]>;
  configOf(name: string): Promise<StoredConfig>;
  /** buildah on one part of the store; what it starts ends with it. */
  buildah(part: StorePart, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The same for programs that call buildah themselves. */
  run(part: StorePart, file: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Removes working containers that a killed build left behind, unless someone builds now. */
  tidy(): Promise<void>;
}

export interface StoreFolders {
  readonly own: string;
  readonly shared: string;
  /** The environment that buildah runs in. */
  readonly environment: NodeJS.ProcessEnv;
}

interface ImageEntry {
  readonly names?: readonly string[];
  readonly layer?: string;
}

interface LayerEntry {
  readonly id: string;
  readonly parent?: string;
}

interface OciConfig {
  readonly OCIv1?: {
    readonly config?: {
      readonly Env?: readonly string[];
      readonly Entrypoint?: string[];
      readonly Cmd?: string[];
      readonly WorkingDir?: string;
      readonly User?: string;
      readonly ExposedPorts?: Readonly<Record<string, unknown>>;
    };
  };
}

export async function openImageStore(folders: StoreFolders): Promise<ImageStore> {
  const parts: StorePart[] = ['shared', 'own'];
  const lockOf = (part: StorePart): string => join(folders[part], 'in-use.lock');
  const environmentOf = (part: StorePart): NodeJS.ProcessEnv => ({
    ...folders.environment,
    CONTAINERS_STORAGE_CONF: join(folders[part], 'storage.conf'),
  });
  const run: ImageStore['run'] = (part, file, args, options = {}) =>
    runConfined(file, args, {
      ...options,
      locks: [...(options.locks ?? []), { file: lockOf(part), mode: 'shared' }],
      env: { ...options.env, ...environmentOf(part) },
    });
  const buildah: ImageStore['buildah'] = (part, args, options) => run(part, 'buildah', args, options);
  for (const part of parts) await prepare(folders, part);
  // An additional store must exist before it is used.
  const made = await buildah('shared', ['images', '--quiet']);
  if (made.exitCode !== 0) throw new Error(`The image store in ${folders.shared} can't be opened: ${made.tail.trim()}`);
  const storages = [join(folders.own, 'storage'), join(folders.shared, 'storage')];
  return {
    run,
    buildah,
    has: async (name) => (await chainOf(storages, name)) !== undefined,
    async layersOf(name) {
      const chain = await chainOf(storages, name);
      if (!chain) throw new Error(`${name} is not in the image store`);
      return Promise.all(chain.map((directory) => shortLink(join(folders.own, 'l'), directory)));
    },
    async configOf(name) {
      const { exitCode, tail, stdout } = await buildah('own', ['inspect', '--type', 'image', name]);
      if (exitCode !== 0) throw new Error(`${name} can't be inspected: ${tail.trim()}`);
      return configOf(JSON.parse(stdout) as OciConfig);
    },
    async tidy() {
      for (const part of parts) {
        const args = ['--exclusive', '--nonblock', '--no-fork', lockOf(part), 'buildah', 'rm', '--all'];
        await runCommand('flock', args, {
          env: environmentOf(part),
        });
      }
    },
  };
}

async function prepare(folders: StoreFolders, part: StorePart): Promise<void> {
  const folder = folders[part];
  await mkdir(join(folder, 'storage'), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, 'l'), { recursive: true });
  const options =
    part === 'own'
      ? `[storage.options]\nadditionalimagestores = [${JSON.stringify(join(folders.shared, 'storage'))}]\n`
      : '';
  await writeFile(
    join(folder, 'storage.conf'),
    `[storage]\ndriver = "overlay"\ngraphroot = ${JSON.stringify(join(folder, 'storage'))}\nrunroot = ${JSON.stringify(join(folder, 'runroot'))}\n${options}`,
  );
}

/** Layer directories of an image, top first; undefined when the image or one of its layers is missing. */
async function chainOf(storages: readonly string[], name: string): Promise<string[] | undefined> {
  const parents = new Map<string, { parent: string | undefined; storage: string }>();
  let top: string | undefined;
  for (const storage of storages) {
    for (const { id, parent } of await readList<LayerEntry>(join(storage, 'overlay-layers/layers.json')))
      parents.set(id, { parent, storage });
    const images = await readList<ImageEntry>(join(storage, 'overlay-images/images.json'));
    top ??= images.find((image) => image.names?.includes(name))?.layer;
  }
  if (top === undefined) return undefined;
  const chain: string[] = [];
  for (let id: string | undefined = top; id; ) {
    const layer = parents.get(id);
    const directory = layer && join(layer.storage, 'overlay', id, 'diff');
    if (!directory || !(await stat(directory).catch(() => undefined))) return undefined;
    chain.push(directory);
    id = layer.parent;
  }
  return chain;
}

async function readList<T>(file: string): Promise<T[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function shortLink(folder: string, directory: string): Promise<string> {
  const link = join(folder, createHash('sha256').update(directory).digest('base64url').slice(0, 10));
  await symlink(directory, link).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return link;
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
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
