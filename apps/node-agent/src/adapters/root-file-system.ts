import { createHash, randomUUID } from 'node:crypto';
import { chmod, copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { run } from './command.ts';
import { runFolderOf } from './run-folder.ts';

/** Composes the root file system of a container out of shared, read-only layers. */
export interface RootFileSystems {
  /** Mounts at `<dir>/rootfs`; `layers` are directories, top first. */
  mount(dir: string, layers: readonly string[], mounts: readonly control.MountRecord[]): Promise<string>;
  /** Takes away all mounts of a container's folder. */
  unmount(dir: string): Promise<void>;
}

/** Mount options end at one page. */
const OPTIONS_MAX = 4_000;

export function createRootFileSystems(home: string): RootFileSystems {
  const treesDir = join(home, 'mounts');
  const making = new Map<string, Promise<string>>();
  /** Containers that start at once share the work. */
  const sharedTree = (files: readonly control.MountedFile[]): Promise<string> => {
    const tree = treeOf(files);
    const path = join(treesDir, tree.name);
    const made = making.get(path) ?? makeTree(path, join(home, 'blobs'), tree.files).finally(() => making.delete(path));
    making.set(path, made);
    return made;
  };
  return {
    async mount(dir, layers, mounts) {
      const root = join(dir, 'rootfs');
      const files = mounts.flatMap((mount) => mount.files);
      const lowers = files.length > 0 ? [await sharedTree(files), ...layers] : layers;
      await Promise.all(['rootfs', 'upper', 'work'].map((name) => mkdir(join(dir, name), { recursive: true })));
      const options = `lowerdir=${lowers.join(':')},upperdir=${join(dir, 'upper')},workdir=${join(dir, 'work')}`;
      if (options.length > OPTIONS_MAX) {
        throw new DomainError(
          'failed-precondition',
          'container.too_many_layers',
          `The image has too many layers (${lowers.length}) for one mount; join steps of the image.`,
        );
      }
      await run('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
      return root;
    },
    async unmount(dir) {
      for (const path of [join(dir, 'rootfs'), runFolderOf(dir)])
        await run('umount', ['-l', path]).catch(() => undefined);
    },
  };
}

interface Tree {
  readonly name: string;
  readonly files: readonly control.MountedFile[];
}

/** The user's files as one tree, named by its content; of two with one path the later counts. */
function treeOf(files: readonly control.MountedFile[]): Tree {
  const byPath = new Map(files.map((file) => [posix.normalize(file.path), file]));
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash('sha256')
    .update(sorted.map((file) => `${file.path}\0${file.sha256Hex}\0${file.mode}`).join('\n'))
    .digest('hex');
  return { name: hash.slice(0, 24), files: sorted };
}

/** Makes a tree of links into the blob store, once per content. */
async function makeTree(tree: string, blobsDir: string, files: readonly control.MountedFile[]): Promise<string> {
  if (await stat(tree).catch(() => undefined)) return tree;
  const temporary = `${tree}.${randomUUID()}`;
  for (const file of files) await place(temporary, blobsDir, file);
  await rename(temporary, tree).catch(async (error: NodeJS.ErrnoException) => {
    await rm(temporary, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return tree;
}

async function place(tree: string, blobsDir: string, { path, sha256Hex, mode }: control.MountedFile): Promise<void> {
  if (!path.startsWith('/') || path.split('/').includes('..') || !/^[0-9a-f]{64}$/.test(sha256Hex)) {
    throw new DomainError(
      'invalid-argument',
      'container.bad_mount_path',
      `The mounted file ${JSON.stringify(path)} has no absolute path without "..".`,
    );
  }
  const target = join(tree, posix.normalize(path));
  const blob = join(blobsDir, sha256Hex.slice(0, 2), sha256Hex);
  await mkdir(dirname(target), { recursive: true });
  if (mode && (mode & 0o777) !== 0o644) {
    await copyFile(blob, target);
    await chmod(target, mode & 0o777);
  } else {
    await link(blob, target).catch((error: NodeJS.ErrnoException) => {
      // Another file system, or too many links to one file.
      if (error.code !== 'EXDEV' && error.code !== 'EMLINK') throw error;
      return copyFile(blob, target);
    });
  }
}
