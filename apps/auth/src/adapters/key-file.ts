import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const KEY_BYTES = 32;

/** The key that secrets are hashed and JWTs are signed with; made at the first start, readable by its owner only. */
export async function loadOrMakeKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // `wx` lets one of two starters win; both then read the same key.
  await writeFile(path, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const key = await readFile(path);
  if (key.length !== KEY_BYTES)
    throw new Error(
      `${path} should hold ${KEY_BYTES} bytes but holds ${key.length}: restore it from a backup, or remove it to lose all tokens`,
    );
  return key;
}
