import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceName, serviceNames } from '@portico/contracts';
import { type NatsOptions, permissionsOf } from '@portico/messaging';
import { eventually } from './eventually.ts';

/** A real nats-server with JetStream and the users of the platform, on a free port. */
export interface TestNats extends AsyncDisposable {
  readonly url: string;
  readonly processId: number;
  /** Where it keeps its configuration and its store. */
  readonly folder: string;
  /** How a service connects, with only its own permissions. */
  optionsOf(service: ServiceName): NatsOptions;
  /** Ends the server as a power cut would; `start` brings it back with its state on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Where the binary is: the repository's own, else the PATH. */
export function natsServerBinary(): string {
  const own = join(import.meta.dirname, '../../../.toolchain/bin/nats-server');
  return existsSync(own) ? own : 'nats-server';
}

export async function natsServer(): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), 'portico-nats-'));
  await mkdir(join(folder, 'ports'));
  let port = -1;
  let running: { child: ReturnType<typeof spawn>; exited: Promise<void> } | undefined;
  const start = async (): Promise<void> => {
    await writeFile(join(folder, 'nats.conf'), configOf(folder, port));
    const child = spawn(natsServerBinary(), ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.once('error', () => undefined);
    running = { child, exited };
    port = await eventually('nats-server listens', () => portOf(join(folder, 'ports'), child.pid));
  };
  const kill = async (): Promise<void> => {
    running?.child.kill('SIGKILL');
    await running?.exited;
    running = undefined;
  };
  await start();
  for (const service of serviceNames) await writeFile(join(folder, service), `secret-${service}`);
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get processId() {
      return running?.child.pid ?? 0;
    },
    folder,
    optionsOf: (service) => ({ url: `nats://127.0.0.1:${port}`, user: service, passwordFile: join(folder, service) }),
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function portOf(folder: string, processId: number | undefined): Promise<number | undefined> {
  for (const name of await readdir(folder)) {
    if (!name.includes(String(processId))) continue;
    const { nats } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { nats?: string[] };
    const port = nats?.[0]?.split(':').pop();
    if (port) return Number(port);
  }
  return undefined;
}

function configOf(folder: string, port: number): string {
  const users = serviceNames.map((service) => {
    const { publish, subscribe } = permissionsOf(service);
    return { user: service, password: `secret-${service}`, permissions: { publish, subscribe } };
  });
  return JSON.stringify({
    host: '127.0.0.1',
    port,
    ports_file_dir: join(folder, 'ports'),
    max_payload: 8 * 1024 * 1024,
    jetstream: { store_dir: join(folder, 'store'), sync_interval: 'always' },
    authorization: { users },
  });
}
