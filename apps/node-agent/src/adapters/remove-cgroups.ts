import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { kill } from './kill.ts';

const ROOT = '/sys/fs/cgroup';
/** A killed process leaves its cgroup when the kernel has taken its memory back. */
const TRIES = 100;
const BETWEEN_TRIES_MS = 20;

/** Removes the cgroups of an instance, in every hierarchy that the machine has, and ends what is left in them. */
export async function removeCgroups(instance: string): Promise<void> {
  for (const controller of ['', ...(await readdir(ROOT).catch(() => []))]) {
    const group = join(ROOT, controller, `portico-${instance}`);
    for (const child of await readdir(group, { withFileTypes: true }).catch(() => [])) {
      if (child.isDirectory()) await removeCgroup(join(group, child.name));
    }
    await rmdir(group).catch(() => undefined);
  }
}

async function removeCgroup(group: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const processes = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
    for (const pid of processes.split('\n').filter(Boolean)) kill(Number(pid));
    const isGone = await rmdir(group).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    if (isGone) return;
    await setTimeout(BETWEEN_TRIES_MS);
  }
}
