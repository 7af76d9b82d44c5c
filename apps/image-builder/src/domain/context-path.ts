import { posix } from 'node:path';
import { DomainError } from '@portico/errors';

/** A path of a user's file below a folder of ours; refuses what would leave it. */
export function safeRelativePath(path: string): string {
  const normal = posix.normalize(`/${path}`);
  if (path.includes('\0') || path.split('/').includes('..')) {
    throw new DomainError(
      'invalid-argument',
      'image.bad_path',
      `The file name ${JSON.stringify(path)} leaves the build context; use a path without "..".`,
    );
  }
  return normal.slice(1);
}
