import { createHash } from 'node:crypto';
import { chmod, copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { run } from './command.ts';

/** Composes the root file system of a container out of shared, read-only layers. */
export interface RootFileSystems {
  /** Mounts at `<dir>/rootfs`; `layers` are directories, top first. */
  mount(dir: string, layers: readonly string[], mounts: readonly control.MountRecord[]): Promise<string>;
  unmount(dir: string): Promise<void>;
}

/** Mount options end at one page. */
const OPTIONS_MAX = 4_000;

export function createRootFileSystems(home: string): RootFileSystems {
  const treesDir = join(home, 'mounts');
  return {
    async mount(dir, layers, mounts) {
      const root = join(dir, 'rootfs');
      const files = mounts.flatMap((mount) => mount.files);
      const lowers = files.length > 0 ? [await treeOf(treesDir, join(home, 'blobs'), files), ...layers] : layers;
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
      await run('umount', ['-l', join(dir, 'rootfs')]).catch(() => undefined);
    },
  };
}

/** The user's files as one tree of links into the blob store, made once per content. */
async function treeOf(treesDir: string, blobsDir: string, files: readonly control.MountedFile[]): Promise<string> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash('sha256')
    .update(sorted.map((file) => `${file.path}\0${file.sha256Hex}\0${file.mode}`).join('\n'))
    .digest('hex');
  const tree = join(treesDir, hash.slice(0, 24));
  if (await stat(tree).catch(() => undefined)) return tree;
  const temporary = `${tree}.${process.pid}.${Date.now()}`;
  for (const file of sorted) await place(temporary, blobsDir, file);
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
  } else await link(blob, target).catch(() => copyFile(blob, target));
}
