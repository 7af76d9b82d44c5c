import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { run } from '../src/adapters/command.ts';
import { bridgeOf, cablePrefixOf, namespacePrefixOf, tableOf } from '../src/adapters/network.ts';
import { runcRootOf } from '../src/adapters/runc-driver.ts';
import { type Machine, machine } from './machine.ts';
import { httpServer } from './programs.ts';

const { READY, EXITED } = nodeAgent.ContainerState;

/** What there is of an instance on the machine, by kind. */
async function tracesOf({ home, instance }: Machine): Promise<Record<string, string[]>> {
  const lines = async (text: Promise<string>): Promise<string[]> => (await text).split('\n');
  const cgroups = await Promise.all(
    ['', ...(await readdir('/sys/fs/cgroup'))].map(async (controller) => {
      const group = join('/sys/fs/cgroup', controller, `portico-${instance}`);
      const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(controller, name));
    }),
  );
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(numbers.map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
  return {
    mounts: (await lines(readFile('/proc/self/mounts', 'utf8'))).filter((line) => line.includes(home)),
    namespaces: (await lines(run('ip', ['netns', 'list']))).filter((line) =>
      line.startsWith(namespacePrefixOf(instance)),
    ),
    cables: (await lines(run('ip', ['-br', 'link']))).filter((line) => line.startsWith(cablePrefixOf(instance))),
    cgroups: cgroups.flat(),
    processes: commands.filter((command) => /^(\/bin\/sh|runc)\0/.test(command) && command.includes(home)),
    folders: await readdir(join(home, 'c')).catch(() => []),
  };
}

const countsOf = (traces: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(traces).map(([kind, found]) => [kind, found.length]));

const shimsIn = (traces: Record<string, string[]>): number =>
  traces['processes']?.filter((command) => command.startsWith('/bin/sh')).length ?? 0;

async function ready(at: Machine): Promise<string> {
  const id = await at.place(httpServer(8000), {
    pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true },
    spec: { plainImage: true },
  });
  await at.reported(id, 'it is ready', ({ state }) => state === READY);
  return id;
}

test('nothing is left of a container that has ended, and all is left of the others', async () => {
  await using at = await machine();
  await at.agent();
  const stays = await ready(at);
  const settled = async (): Promise<Record<string, number>> => {
    // Three namespaces are always kept in store.
    await eventually('the store is full', async () => (await tracesOf(at))['namespaces']?.length === 4);
    return countsOf(await tracesOf(at));
  };
  const before = await settled();
  assert.deepEqual([before['mounts'], before['processes'], before['folders'], before['cables']], [2, 2, 1, 4]);
  assert.ok((before['cgroups'] ?? 0) > 0);
  const goes = await ready(at);
  await at.desire(goes, { desired: autoscaler.Desired.DRAIN, stopNow: true });
  await at.reported(goes, 'it has ended', ({ state }) => state === EXITED);
  await eventually('its folder is gone', () => at.isGone(goes));
  assert.deepEqual(await settled(), before);
  assert.equal((await at.reports.get(stays))?.value.state, READY);
});

test('the cleanup program takes away all of an instance whose node-agent was killed', async () => {
  await using at = await machine();
  const agent = await at.agentProcess();
  await ready(at);
  await ready(at);
  await at.place('sleep 60', { spec: { plainImage: true } });
  await eventually('a third is starting', async () => shimsIn(await tracesOf(at)) === 3);
  await agent.kill();
  const program = join(import.meta.dirname, '../src/cleanup-main.ts');
  const child = spawn(process.execPath, ['--conditions=@portico/source', program, at.home], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  await eventually('no process is left', async () => (await tracesOf(at))['processes']?.length === 0);
  for (const [kind, found] of Object.entries(await tracesOf(at))) assert.deepEqual(found, [], kind);
  assert.equal(existsSync(runcRootOf(at.instance)), false);
  await assert.rejects(run('ip', ['link', 'show', bridgeOf(at.instance)]));
  await assert.rejects(run('nft', ['list', 'table', 'inet', tableOf(at.instance)]));
});
