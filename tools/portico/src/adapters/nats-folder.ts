import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames } from '@portico/contracts';
import { permissionsOf } from '@portico/messaging';
import { freePortFrom, isPortFree } from './ports.ts';

/** Where the embedded NATS server of one instance listens, and its configuration file. */
export interface NatsFolder {
  readonly port: number;
  readonly configFile: string;
}

const FIRST_PORT = 14_222;
/** How many ports instances spread over, so that two that start at once do not choose the same. */
const PORT_SPREAD = 1_000;

/** Writes what the server needs: its port, a password for each service, and who may do what. */
export async function prepareNats(home: string, isRunning: boolean): Promise<NatsFolder> {
  await mkdir(join(home, 'keys', 'nats'), { recursive: true, mode: 0o700 });
  await mkdir(join(home, 'nats'), { recursive: true, mode: 0o700 });
  const port = await portOf(home, isRunning);
  const configFile = join(home, 'nats', 'nats.conf');
  const users = await Promise.all(serviceNames.map((service) => userOf(home, service)));
  const config = {
    server_name: natsNameOf(home),
    host: '127.0.0.1',
    port,
    max_payload: 8 * 1024 * 1024,
    // Acknowledged means on disk.
    jetstream: { store_dir: join(home, 'nats', 'store'), sync_interval: 'always' },
    authorization: { users },
  };
  await writeFile(`${configFile}.new`, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  await rename(`${configFile}.new`, configFile);
  return { port, configFile };
}

/** The name by which the server of an instance can be told from any other. */
export function natsNameOf(home: string): string {
  return `portico-${digestOf(home).toString('hex', 0, 6)}`;
}

function digestOf(home: string): Buffer {
  return createHash('sha256').update(home).digest();
}

/** Chosen at the first start and kept, so that what runs finds the server again. */
async function portOf(home: string, isRunning: boolean): Promise<number> {
  const file = join(home, 'nats', 'port');
  const known = Number(await readFile(file, 'utf8').catch(() => ''));
  if (known && (isRunning || (await isPortFree(known)))) return known;
  const port = await freePortFrom(FIRST_PORT + (digestOf(home).readUInt32BE() % PORT_SPREAD));
  await writeFile(file, `${port}\n`, { mode: 0o600 });
  return port;
}

async function userOf(home: string, service: (typeof serviceNames)[number]) {
  const { publish, subscribe } = permissionsOf(service);
  const password = await passwordOf(join(home, 'keys', 'nats', service));
  return { user: service, password, permissions: { publish, subscribe } };
}

async function passwordOf(file: string): Promise<string> {
  const known = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (known) return known;
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}
