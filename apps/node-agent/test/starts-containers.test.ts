import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { machine } from './machine.ts';
import { httpServer, untilTold } from './programs.ts';
import { runnerOf } from './runner.ts';

const { STARTING, READY, EXITED } = nodeAgent.ContainerState;
const { PLATFORM, STARTUP_FAILED, STARTUP_TIMEOUT } = nodeAgent.ExitReason;

test('a placed container starts and, once the runner has said where it listens, is ready with its addresses', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place(`echo "$PORTICO_DRAIN_SECONDS"; ${untilTold}`, {
    pool: { timeoutMs: 45_000, maxConcurrentInputs: 7 },
  });
  const starting = await at.reported(id, 'it starts', ({ state }) => state === STARTING);
  assert.deepEqual(
    [starting.appId, starting.poolId, starting.functionId, starting.maxConcurrentInputs, starting.addresses],
    ['ap-1', 'po-1', 'fu-1', 7, []],
  );
  await using runner = await runnerOf(at, id);
  assert.equal(await readFile(join(at.folderOf(id), 'r/arguments.bin'), 'utf8'), 'arguments');
  for (const name of ['python', 'imports', 'code', 'startup']) await runner.tell({ event: 'phase', name });
  void runner.asksForInputs().catch(() => undefined);
  await runner.tell({ event: 'ready', sockets: { web: 'web.sock', other: 'other.sock' }, port: null, ports: {} });
  const ready = await at.reported(id, 'it is ready', ({ state }) => state === READY);
  assert.deepEqual(
    ready.addresses.map(({ methodName, endpoint }) => [methodName, endpoint?.$case, endpoint?.value]),
    [
      ['', 'unixPath', join(at.folderOf(id), 'r/web.sock')],
      ['other', 'unixPath', join(at.folderOf(id), 'r/other.sock')],
    ],
  );
  assert.ok(ready.wasReady && ready.readyAt >= ready.startedAt && ready.startedAt > 0);
  await eventually('the runner has said how long a drain may take', async () =>
    (await at.printed(id)).startsWith('45\n'),
  );
  const { containers, node } = await at.client.listContainers({}, { deadlineMs: 5_000 });
  assert.equal(containers[0]?.container?.containerId, id);
  assert.ok((containers[0]?.processId ?? 0) > 0 && (containers[0]?.memoryBytes ?? 0n) > 0n);
  assert.equal(node?.nodeId, ready.nodeId);
});

test('methods that listen on ports of their own are addressed by their names, once the ports are open', async () => {
  await using at = await machine();
  await at.agent();
  const program = `while [ ! -e /__portico/run/open ]; do sleep 0.02; done; ${httpServer(8123)}`;
  const id = await at.place(program, { pool: { kind: control.ServingKind.PORT, port: 8123 } });
  await using runner = await runnerOf(at, id);
  void runner.asksForInputs().catch(() => undefined);
  await runner.tell({ event: 'ready', sockets: { page: 'page.sock' }, port: 8123, ports: { api: 8123 } });
  await eventually('its process is there', async () => {
    const { containers } = await at.client.listContainers({}, { deadlineMs: 5_000 });
    return (containers[0]?.processId ?? 0) > 0;
  });
  assert.equal((await at.reports.get(id))?.value.state, STARTING, 'the port is not open yet');
  await at.tell(id, 'open');
  const { addresses } = await at.reported(id, 'it is ready', ({ state }) => state === READY);
  assert.deepEqual(
    addresses.map(({ methodName, endpoint }) => [methodName, endpoint?.$case]),
    [
      ['page', 'unixPath'],
      ['api', 'tcp'],
    ],
  );
  const answer = await fetch(`http://${addresses[1]?.endpoint?.value}/`);
  assert.equal(await answer.text(), 'ok');
});

test('an image that runs its own program is ready when its port answers', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place(httpServer(8000), {
    pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true },
    spec: { plainImage: true },
  });
  const { addresses } = await at.reported(id, 'it is ready', ({ state }) => state === READY);
  assert.equal(await (await fetch(`http://${addresses[0]?.endpoint?.value}/`)).text(), 'ok');
});

test('a server in Python is ready when its enter hooks have run and its port answers', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place(httpServer(8000), { pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true } });
  await using runner = await runnerOf(at, id);
  await runner.enterHooksHaveRun();
  await at.reported(id, 'it is ready', ({ state }) => state === READY);
});

test('why a start fails is said to the one who waits and in the log', async () => {
  await using at = await machine();
  await at.agent();
  const image = await at.place('', { imageFails: 'The image im-1 is not built.' });
  const program = await at.place('exit 4', { spec: { plainImage: true } });
  const told = await at.place(untilTold);
  const slow = await at.place(untilTold, { pool: { startupTimeoutMs: 300 } });
  await using runner = await runnerOf(at, told);
  await runner.fails("ModuleNotFoundError: No module named 'x'");
  await at.tell(told, 'end', '1');
  const ended = (id: string) => at.reported(id, 'it has ended', ({ state }) => state === EXITED);
  const failed = await ended(image);
  assert.equal(failed.exitReason, PLATFORM);
  assert.match(failed.message, /The image im-1 is not built/);
  const imports = await ended(told);
  assert.equal(imports.exitReason, STARTUP_FAILED);
  assert.equal(imports.message, "ModuleNotFoundError: No module named 'x'");
  const ownProgram = await ended(program);
  assert.deepEqual([ownProgram.exitReason, ownProgram.exitCode], [STARTUP_FAILED, 4]);
  assert.match(ownProgram.message, /exit code 4 before it was ready/);
  const late = await ended(slow);
  assert.equal(late.exitReason, STARTUP_TIMEOUT);
  assert.match(late.message, /startup_timeout of 0.3 s/);
  for (const { containerId, message } of [failed, ownProgram, late])
    assert.ok((await at.printed(containerId, nodeAgent.LogSource.SYSTEM)).includes(message));
});
