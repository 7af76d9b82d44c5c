import { chmod, constants, copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { imageBuilder } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { safeRelativePath } from '../domain/context-path.ts';

const PLAIN_MODE = 0o644;

/** Lays a build context out: mounted files from the blob store, small files as they came. */
export async function layOutContext(context: string, recipe: imageBuilder.Recipe, blobsDir: string): Promise<void> {
  await mkdir(context, { recursive: true });
  for (const file of recipe.contextMountFiles) await placeMounted(context, file, blobsDir);
  for (const file of recipe.contextFiles) {
    const target = join(context, safeRelativePath(file.name));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, file.data, { mode: PLAIN_MODE });
  }
}

async function placeMounted(
  context: string,
  { path, sha256Hex, mode }: imageBuilder.ContextMountFile,
  blobsDir: string,
): Promise<void> {
  const target = join(context, safeRelativePath(path));
  if (!/^[0-9a-f]{64}$/.test(sha256Hex)) throw missing(path);
  const blob = join(blobsDir, sha256Hex.slice(0, 2), sha256Hex);
  const wanted = mode & 0o777 || PLAIN_MODE;
  await mkdir(dirname(target), { recursive: true });
  try {
    // A link would share its mode with every other user of the blob.
    if (wanted === PLAIN_MODE) await link(blob, target).catch(() => copyFile(blob, target, constants.COPYFILE_FICLONE));
    else await copyFile(blob, target, constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missing(path);
    throw error;
  }
  if (wanted !== PLAIN_MODE) await chmod(target, wanted);
}

function missing(path: string): DomainError {
  return new DomainError(
    'failed-precondition',
    'image.file_missing',
    `The file ${path} of the build context was never uploaded; deploy again.`,
  );
}
