import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { control, nodeAgent } from '@portico/contracts';
import { eventually } from '@portico/testing';
import { run } from '../src/adapters/command.ts';
import { type Machine, machine } from './machine.ts';
import { connects, httpServer } from './programs.ts';

const { READY } = nodeAgent.ContainerState;
const plain = { plainImage: true };

/** A machine elsewhere, reached through this one, with a server on port 8000. */
async function elsewhere(): Promise<AsyncDisposable & { readonly address: string }> {
  const name = `ne${process.pid}`;
  const subnet = `10.223.${process.pid % 256}`;
  await run('ip', ['netns', 'add', name]);
  await run('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  await run('ip', ['addr', 'add', `${subnet}.1/30`, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
  await run('ip', ['-n', name, 'addr', 'add', `${subnet}.2/30`, 'dev', 'eth0']);
  await run('ip', ['-n', name, 'link', 'set', 'eth0', 'up']);
  const server = spawn('ip', ['netns', 'exec', name, '/bin/sh', '-c', httpServer(8000)], { stdio: 'ignore' });
  return {
    address: `${subnet}.2:8000`,
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await run('ip', ['link', 'del', name]);
      await run('ip', ['netns', 'del', name]);
    },
  };
}

async function heard(at: Machine, id: string, count: number): Promise<string[]> {
  return eventually(`${id} has printed ${count} lines`, async () => {
    const lines = (await at.printed(id)).trim().split('\n');
    return lines.length >= count ? lines : undefined;
  });
}

test('a container reaches other networks, but neither this machine nor other containers; a blocked one reaches nothing', async () => {
  await using at = await machine();
  await using outside = await elsewhere();
  await at.agent();
  await using listener = createServer().listen(0, '0.0.0.0');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const neighbour = await at.place(httpServer(8000), {
    pool: { kind: control.ServingKind.PORT, port: 8000, isServer: true },
    spec: plain,
  });
  const { addresses } = await at.reported(neighbour, 'it is ready', ({ state }) => state === READY);
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `${address}:${port}`);
  const refused = [...own, String(addresses[0]?.endpoint?.value), `127.0.0.1:${port}`, '169.254.169.254:80'];
  const program = connects(outside.address, ...refused);
  const id = await at.place(program, { spec: plain });
  const blocked = await at.place(program, { spec: { ...plain, blockNetwork: true } });
  const expected = [`open ${outside.address}`, ...refused.map((address) => `closed ${address}`)];
  assert.deepEqual((await heard(at, id, expected.length)).slice(0, expected.length), expected);
  const nothing = [`closed ${outside.address}`, ...expected.slice(1)];
  assert.deepEqual((await heard(at, blocked, nothing.length)).slice(0, nothing.length), nothing);
});

test('a container sees of the folder it shares only what is its own, and no link leads out of it', async () => {
  await using at = await machine();
  await at.agent();
  await using listener = createServer().listen(join(at.home, 'run/secret.sock'));
  await once(listener, 'listening');
  const links = `ln -s ${at.home}/run/secret.sock /__portico/run/web.sock; ln -s /etc/hostname /__portico/run/file`;
  const id = await at.place(`ls /__portico/run; ${links}; echo linked; sleep 60`, { spec: plain });
  await eventually('it has made its links', async () => (await at.printed(id)).includes('linked'));
  assert.equal(await at.printed(id), 'arguments.bin\ndoor.sock\nevents.sock\nlinked\n');
  const socket = connect(join(at.folderOf(id), 'r/web.sock'));
  const connected = once(socket, 'connect').finally(() => socket.destroy());
  await assert.rejects(connected, { code: 'ELOOP' });
  await assert.rejects(readFile(join(at.folderOf(id), 'r/file')), { code: 'ELOOP' });
});

test('a container has few rights and can get no more', async () => {
  await using at = await machine();
  await at.agent();
  const id = await at.place('while read -r line; do echo "$line"; done < /proc/self/status; echo end', { spec: plain });
  await eventually('it has told', async () => (await at.printed(id)).includes('end\n'));
  const status = new Map(
    [...(await at.printed(id)).matchAll(/^(\w+):\s*(\w+)$/gm)].map(([, name, value]) => [name, value]),
  );
  assert.deepEqual([status.get('NoNewPrivs'), status.get('Seccomp'), status.get('CapInh')], ['1', '2', '0'.repeat(16)]);
  const capabilities = BigInt(`0x${status.get('CapBnd')}`);
  const [netAdmin, netRaw, sysModule, sysPtrace, sysAdmin, mknod] = [12n, 13n, 16n, 19n, 21n, 27n];
  for (const bit of [netAdmin, netRaw, sysModule, sysPtrace, sysAdmin, mknod])
    assert.equal((capabilities >> bit) & 1n, 0n);
});
