import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { kill } from './kill.ts';
import { bridgeOf, cablePrefixOf, namespacePrefixOf, tableOf } from './network.ts';
import { removeCgroups } from './remove-cgroups.ts';
import { runcRootOf, SHIM_NAME } from './runc-driver.ts';

const ignore = (): undefined => undefined;

/**
 * Removes every trace of an instance's containers from the machine. Works from what it finds, so that
 * it also helps when state files are gone.
 */
export async function removeInstance(home: string, instance: string): Promise<void> {
  await removeContainers(runcRootOf(instance));
  await removeMounts(home);
  await removeNetwork(instance);
  await removeCgroups(instance);
  await rm(join(home, 'c'), { recursive: true, force: true });
}

async function removeContainers(runcRoot: string): Promise<void> {
  await endShims(runcRoot);
  const ids = await readdir(runcRoot).catch(() => []);
  await Promise.all(ids.map((id) => run('runc', ['--root', runcRoot, 'delete', '--force', id]).catch(ignore)));
  await rm(runcRoot, { recursive: true, force: true });
}

/** Ends what stays beside the containers first: no start goes on, and runc waits for none that is taken from under it. */
async function endShims(runcRoot: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const isShim = words[3] === SHIM_NAME && words[4] === runcRoot;
    const isRuncRun = words[0] === 'runc' && words[2] === runcRoot && words.includes('run');
    if (isShim || isRuncRun) kill(Number(pid));
  }
}

async function removeMounts(home: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const point of mounts.filter((path) => path.startsWith(`${home}/`)).reverse())
    await run('umount', ['-l', point]).catch(ignore);
}

async function removeNetwork(instance: string): Promise<void> {
  const names = (text: string): string[] => text.split('\n').map((line) => line.split(/[\s@]/)[0] ?? '');
  const cables = names(await run('ip', ['-br', 'link']).catch(() => ''));
  for (const name of cables.filter((candidate) => candidate.startsWith(cablePrefixOf(instance))))
    await run('ip', ['link', 'del', name]).catch(ignore);
  const namespaces = names(await run('ip', ['netns', 'list']).catch(() => ''));
  for (const name of namespaces.filter((candidate) => candidate.startsWith(namespacePrefixOf(instance))))
    await run('ip', ['netns', 'del', name]).catch(ignore);
  await run('ip', ['link', 'del', bridgeOf(instance)]).catch(ignore);
  await run('nft', ['delete', 'table', 'inet', tableOf(instance)]).catch(ignore);
}
