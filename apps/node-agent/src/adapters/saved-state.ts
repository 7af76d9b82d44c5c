import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SavedContainer } from '../container-options.ts';

const FILE = 'state.json';

/** Written beside and renamed, so that a reader never sees half of it. */
export async function saveState(dir: string, state: SavedContainer): Promise<void> {
  const path = join(dir, FILE);
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The containers that a process before us left; folders without a readable state are given by name alone. */
export async function savedStates(
  containersDir: string,
): Promise<{ name: string; state: SavedContainer | undefined }[]> {
  const names = await readdir(containersDir).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      try {
        return { name, state: JSON.parse(await readFile(join(containersDir, name, FILE), 'utf8')) as SavedContainer };
      } catch {
        return { name, state: undefined };
      }
    }),
  );
}
