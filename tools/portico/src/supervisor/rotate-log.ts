import { copyFile, stat, truncate } from 'node:fs/promises';

/**
 * Keeps a log below `maxBytes` and one older part of it beside it, in `<file>.1`.
 *
 * The file is copied and emptied in place, because its writers hold it open (in append mode);
 * what they write between the two steps is lost.
 */
export async function rotateLog(file: string, maxBytes: number): Promise<boolean> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= maxBytes) return false;
  await copyFile(file, `${file}.1`);
  await truncate(file, 0);
  return true;
}
