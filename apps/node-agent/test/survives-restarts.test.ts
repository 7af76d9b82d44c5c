import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { run } from '../src/adapters/command.ts';
import { namespacePrefixOf } from '../src/adapters/network.ts';
import { runcRootOf } from '../src/adapters/runc-driver.ts';
import { type Machine, machine, type Placing } from './machine.ts';
import { httpServer, untilTold } from './programs.ts';
import { runnerOf } from './runner.ts';

const { STARTING, READY, DRAINING, EXITED } = nodeAgent.ContainerState;
const { STOPPED, KILLED, CRASHED, NODE_LOST } = nodeAgent.ExitReason;
const { DRAIN } = autoscaler.Desired;

const server: Placing = {
  pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true },
  spec: { plainImage: true },
};
const ended = (at: Machine, id: string) => at.reported(id, 'it has ended', ({ state }) => state === EXITED);

async function ready(at: Machine, program = httpServer(8000)): Promise<{ id: string; url: string }> {
  const id = await at.place(program, server);
  const { addresses } = await at.reported(id, 'it is ready', ({ state }) => state === READY);
  return { id, url: `http://${addresses[0]?.endpoint?.value}/` };
}

async function processOf(at: Machine, id: string): Promise<number | undefined> {
  const { containers } = await at.client.listContainers({}, { deadlineMs: 5_000 });
  return containers.find(({ container }) => container?.containerId === id)?.processId;
}

async function namespacesOf(at: Machine): Promise<string[]> {
  const names = (await run('ip', ['netns', 'list'])).split('\n');
  return names.filter((name) => name.startsWith(namespacePrefixOf(at.instance)));
}

test('kill -9 of node-agent: its container goes on, answers, and is taken over under the same name', async () => {
  await using at = await machine();
  const agent = await at.agentProcess();
  const { id, url } = await ready(at);
  const before = await at.reports.get(id);
  const processId = await processOf(at, id);
  await agent.kill();
  assert.equal(await (await fetch(url)).text(), 'ok', 'while node-agent is away');
  await at.agentProcess();
  await eventually('it is known', async () => (await processOf(at, id)) === processId);
  assert.deepEqual((await at.reports.get(id))?.value, before?.value, 'nothing new is said of it');
  assert.equal(await (await fetch(url)).text(), 'ok');
  await eventually('what the killed one had in store is gone', async () => (await namespacesOf(at)).length === 4);
  await at.desire(id, { desired: DRAIN });
  assert.equal((await ended(at, id)).exitReason, STOPPED);
});

test('what is printed, and how one ends, while node-agent is away is known afterwards', async () => {
  await using at = await machine();
  const agent = await at.agent();
  const program = (last: string) =>
    `echo one; (${httpServer(8000)}) & while [ ! -e /__portico/run/go ]; do sleep 0.02; done; ${last}`;
  const { id: talks } = await ready(at, program('echo two; echo three >&2; wait'));
  const { id: ends } = await ready(at, program('exit 5'));
  await eventually('it is heard', async () => (await at.printed(talks)) === 'one\n');
  await agent[Symbol.asyncDispose]();
  for (const id of [talks, ends]) await at.tell(id, 'go');
  await eventually('it has ended', () => at.hasExited(ends));
  await at.agent();
  const report = await ended(at, ends);
  assert.deepEqual([report.exitReason, report.exitCode], [CRASHED, 5]);
  await eventually(
    'the rest is heard',
    async () => (await at.printed(talks, nodeAgent.LogSource.STDOUT)) === 'one\ntwo\n',
  );
  await eventually('also errors', async () => (await at.printed(talks, nodeAgent.LogSource.STDERR)) === 'three\n');
  assert.equal((await at.reports.get(talks))?.value.state, READY);
});

test('a container that was starting is taken over and becomes ready', async () => {
  await using at = await machine();
  const agent = await at.agentProcess();
  const [told, silent] = [await at.place(untilTold), await at.place(untilTold)];
  for (const id of [told, silent])
    await eventually('its process is there', async () => ((await processOf(at, id)) ?? 0) > 0);
  await using first = await runnerOf(at, told);
  await first.tell({ event: 'ready', sockets: { web: 'web.sock' } });
  await eventually('it is written down', async () => (await at.stateOf(told)).includes('web.sock'));
  await agent.kill();
  // What it would have told while nobody listened can be seen in its folder.
  const socket = createServer().listen(join(at.folderOf(silent), 'r/page.sock'));
  await once(socket, 'listening');
  await at.agentProcess();
  const addresses = [];
  for (const id of [told, silent]) {
    assert.equal((await at.reports.get(id))?.value.state, STARTING);
    await using runner = await runnerOf(at, id);
    void runner.asksForInputs().catch(() => undefined);
    const report = await at.reported(id, 'it is ready', ({ state }) => state === READY);
    addresses.push(...report.addresses.map(({ methodName, endpoint }) => `${methodName} ${endpoint?.value}`));
  }
  socket.close();
  assert.deepEqual(addresses, [
    ` ${join(at.folderOf(told), 'r/web.sock')}`,
    `page ${join(at.folderOf(silent), 'r/page.sock')}`,
  ]);
});

test('a drain goes on after a restart, and ends what does not end', async () => {
  await using at = await machine({ termGraceMs: 300 });
  const agent = await at.agent();
  const { id } = await ready(at, `trap 'echo asked' TERM; (${httpServer(8000)}) & while :; do wait; done`);
  await at.desire(id, { desired: DRAIN });
  await at.reported(id, 'it drains', ({ state }) => state === DRAINING);
  await agent[Symbol.asyncDispose]();
  await at.agent();
  assert.equal((await ended(at, id)).exitReason, KILLED);
  assert.equal(await at.printed(id), 'asked\n');
});

test('what a restart of the machine has ended is said to be lost; other nodes are let alone', async () => {
  await using at = await machine();
  const agent = await at.agent();
  const { id } = await ready(at);
  const other = nodeAgent.Container.create({ containerId: 'ta-other', nodeId: 'no-other', state: READY });
  await at.reports.put('ta-other', other);
  await agent[Symbol.asyncDispose]();
  await run('runc', ['--root', runcRootOf(at.instance), 'delete', '--force', id]);
  await eventually('its end is written', () => at.hasExited(id));
  await rm(join(at.folderOf(id), 'exit'));
  await at.agent();
  const report = await ended(at, id);
  assert.equal(report.exitReason, NODE_LOST);
  await eventually('nothing of it is left', () => at.isGone(id));
  assert.deepEqual((await at.reports.get('ta-other'))?.value, other);
});
