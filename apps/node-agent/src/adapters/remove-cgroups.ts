import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Removes the cgroups of an instance, in every hierarchy that the machine has; their processes must have ended. */
export async function removeCgroups(instance: string): Promise<void> {
  for (const controller of ['', ...(await readdir(ROOT).catch(() => []))]) {
    const group = join(ROOT, controller, `portico-${instance}`);
    for (const child of await readdir(group, { withFileTypes: true }).catch(() => [])) {
      if (child.isDirectory()) await rmdir(join(group, child.name)).catch(() => undefined);
    }
    await rmdir(group).catch(() => undefined);
  }
}
