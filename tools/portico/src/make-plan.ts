import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServiceName, serviceNames } from '@portico/contracts';
import type { NatsFolder } from './adapters/nats-folder.ts';
import type { Config } from './config.ts';
import type { Plan, ProcessSpec } from './plan.ts';

/** Services stop before what they need: NATS. */
const STOP_ORDER = { nats: 0, service: 1 };
/** What a service needs on top of its grace to end by itself. */
const KILL_AFTER_GRACE_MS = 2_000;

/** Small young generations keep an idle service small; the router allocates for every request. */
const SEMI_SPACE_MB: Partial<Record<ServiceName, number>> = { router: 8, control: 4 };
const OLD_SPACE_MB: Partial<Record<ServiceName, number>> = { router: 1024, control: 1024 };

/** Every process of an instance, from its settings. */
export function makePlan(config: Config, nats: NatsFolder): Plan {
  const processes = [natsServer(config, nats), ...serviceNames.map((name) => service(name, config, nats))];
  return {
    processes,
    stateFile: stateFileOf(config.home),
    lockFile: join(config.home, 'run', 'supervisor.lock'),
    fingerprint: fingerprintOf(processes, [nats.configFile, ...serviceNames.map((name) => bundleOf(config, name))]),
  };
}

export function stateFileOf(home: string): string {
  return join(home, 'run', 'supervisor.json');
}

export function logFileOf(home: string, name: string): string {
  return join(home, 'logs', `${name}.log`);
}

/** The one-file program of a service that `build` makes. */
export function bundleOf({ root }: Config, name: ServiceName, program = 'main'): string {
  return join(root, 'apps', name, 'dist', `${program}.js`);
}

/** What every program of the platform finds in its environment. */
export function serviceEnvironment(
  name: ServiceName,
  config: Config,
  nats: Pick<NatsFolder, 'port'>,
): Record<string, string> {
  return {
    ...config.passedOn,
    // Not --enable-source-maps: 45 MB for each service. `portico logs` translates what a log names.
    NODE_OPTIONS: '--use-system-ca',
    PORTICO_ROOT: config.root,
    PORTICO_HOME: config.home,
    PORTICO_HTTP_PORT: String(config.httpPort),
    PORTICO_SDK_PORT: String(config.sdkPort),
    PORTICO_API_PORT: String(config.apiPort),
    PORTICO_BASE_DOMAIN: config.baseDomain,
    PORTICO_WORKSPACE: config.workspace,
    PORTICO_NATS_URL: `nats://127.0.0.1:${nats.port}`,
    PORTICO_NATS_USER: name,
    PORTICO_NATS_PASSWORD_FILE: join(config.home, 'keys', 'nats', name),
  };
}

function service(name: ServiceName, config: Config, nats: NatsFolder): ProcessSpec {
  const memory = [
    '--expose-gc',
    `--max-semi-space-size=${SEMI_SPACE_MB[name] ?? 2}`,
    `--max-old-space-size=${OLD_SPACE_MB[name] ?? 512}`,
  ];
  return {
    name,
    command: process.execPath,
    args: [...memory, bundleOf(config, name)],
    env: serviceEnvironment(name, config, nats),
    logFile: logFileOf(config.home, name),
    stopMs: config.stopGraceMs + KILL_AFTER_GRACE_MS,
    stopOrder: STOP_ORDER.service,
  };
}

function natsServer(config: Config, nats: NatsFolder): ProcessSpec {
  return {
    name: 'nats',
    command: join(config.root, '.toolchain', 'bin', 'nats-server'),
    args: ['-c', nats.configFile],
    env: { PATH: config.passedOn['PATH'] ?? '/usr/sbin:/usr/bin', GOMEMLIMIT: '256MiB', GOGC: '50' },
    logFile: logFileOf(config.home, 'nats'),
    stopMs: 10_000,
    stopOrder: STOP_ORDER.nats,
  };
}

function fingerprintOf(processes: readonly ProcessSpec[], files: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(processes));
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}
