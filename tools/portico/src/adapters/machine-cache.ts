import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountBelow } from './mounts.ts';

/** What the instances of a machine share: base images and the layers that go into every container. */
export interface MachineCache {
  readonly folder: string;
  /** A folder that the operator has named stays when the last instance goes. */
  readonly isNamed: boolean;
}

/** Notes that an instance uses the cache. */
export async function registerInstance({ folder }: MachineCache, home: string): Promise<void> {
  await mkdir(join(folder, 'instances'), { recursive: true, mode: 0o755 });
  await writeFile(join(folder, 'instances', nameOf(home)), home);
}

/** Forgets an instance, and deletes the cache if no other one on this machine uses it. */
export async function removeUnusedCache({ folder, isNamed }: MachineCache, home: string): Promise<void> {
  const instances = join(folder, 'instances');
  await rm(join(instances, nameOf(home)), { force: true });
  for (const name of await readdir(instances).catch(() => [])) {
    if (existsSync(await readFile(join(instances, name), 'utf8'))) return;
  }
  if (isNamed) return;
  unmountBelow(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function nameOf(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 8);
}
