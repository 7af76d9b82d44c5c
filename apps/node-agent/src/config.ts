import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

/** What the client's documentation promises to exit hooks. */
const TERM_GRACE_MS = 30_000;

export interface Config extends CommonConfig {
  /** Eight hex digits that follow from PORTICO_HOME: they name the bridge, the table and the cgroup of this instance. */
  readonly instance: string;
  /** Folder of the containers; short, since socket paths end at 108 bytes. */
  readonly containersDir: string;
  /** PORTICO_SUBNET: the first three numbers of the containers' /24 network; picked free when unset. */
  readonly subnet: string | undefined;
  /** PORTICO_DEFAULT_MEMORY_BYTES: limit of a container whose function sets none; 0 = no limit. */
  readonly defaultMemoryBytes: number;
  readonly hostName: string;
  /** How long a container may take after SIGTERM. */
  readonly termGraceMs: number;
}

export function instanceOf(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 8);
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const common = readCommonConfig('node-agent', reader);
  const config: Config = {
    ...common,
    instance: instanceOf(common.home),
    containersDir: join(common.home, 'c'),
    subnet: reader.optionalText('PORTICO_SUBNET'),
    defaultMemoryBytes: reader.integer('PORTICO_DEFAULT_MEMORY_BYTES', 0, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    hostName: hostname(),
    termGraceMs: TERM_GRACE_MS,
  };
  reader.done();
  return config;
}
