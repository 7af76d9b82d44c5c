// Removes every trace of an instance's containers from the machine: what `portico down` calls.
// Works from what it finds, so that it also helps when state files are gone.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './adapters/command.ts';
import { bridgeOf, namespacePrefixOf, tableOf } from './adapters/network.ts';
import { removeCgroups } from './adapters/remove-cgroups.ts';
import { instanceOf } from './config.ts';

const home = process.argv[2] ?? process.env['PORTICO_HOME'];
if (!home) {
  process.stderr.write('usage: cleanup-main <PORTICO_HOME> (or set the variable)\n');
  process.exit(1);
}
const instance = instanceOf(home);
const ignore = (): undefined => undefined;

const runcRoot = join('/run', `portico-${instance}`);
for (const id of await readdir(runcRoot).catch(() => []))
  await run('runc', ['--root', runcRoot, 'delete', '--force', id]).catch(ignore);
await rm(runcRoot, { recursive: true, force: true });

const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
for (const point of mounts.filter((path) => path.startsWith(`${home}/`)).reverse())
  await run('umount', ['-l', point]).catch(ignore);

const namespaces = (await run('ip', ['netns', 'list']).catch(() => ''))
  .split('\n')
  .map((line) => line.split(' ')[0] ?? '');
for (const name of namespaces.filter((candidate) => candidate.startsWith(namespacePrefixOf(instance))))
  await run('ip', ['netns', 'del', name]).catch(ignore);
await run('ip', ['link', 'del', bridgeOf(instance)]).catch(ignore);
await run('nft', ['delete', 'table', 'inet', tableOf(instance)]).catch(ignore);

await removeCgroups(instance);
await rm(join(home, 'c'), { recursive: true, force: true });
