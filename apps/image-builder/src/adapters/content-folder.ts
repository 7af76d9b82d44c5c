import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isGone } from './process-gone.ts';

/**
 * Makes a folder once: it is filled beside its place and renamed into it, so it is whole or not
 * there at all. Two makers at once end with one folder.
 */
export async function makeFolder(final: string, fill: (folder: string) => Promise<void>): Promise<string> {
  if (await stat(final).catch(() => undefined)) return final;
  const temporary = join(dirname(final), `.${basename(final)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  await mkdir(temporary, { recursive: true, mode: 0o755 });
  try {
    await fill(temporary);
    await rename(temporary, final).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return final;
}

/** Removes what makers that are gone left half made. */
export async function tidyFolders(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = /^\..*\.(\d+)\.[0-9a-f]{8}$/.exec(name)?.[1];
    if (owner && isGone(Number(owner))) await rm(join(folder, name), { recursive: true, force: true });
  }
}
