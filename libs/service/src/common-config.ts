import { join } from 'node:path';
import type { EnvironmentReader } from './env.ts';

/** What every service needs to find the others. */
export interface CommonConfig {
  /** PORTICO_HOME: the folder with all state of this instance. */
  readonly home: string;
  readonly nats: NatsConfig;
  readonly workspace: string;
  readonly logLevel: string;
  /** OTEL_EXPORTER_OTLP_ENDPOINT; undefined = no telemetry leaves. */
  readonly otlpEndpoint: string | undefined;
  /** How long a service may take to stop. */
  readonly graceMs: number;
}

export interface NatsConfig {
  readonly url: string;
  readonly user: string;
  readonly passwordFile: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export function readCommonConfig(service: string, env: EnvironmentReader): CommonConfig {
  const home = env.text('PORTICO_HOME', '/var/lib/portico');
  return {
    home,
    nats: {
      url: env.text('PORTICO_NATS_URL'),
      user: env.text('PORTICO_NATS_USER', service),
      passwordFile: env.text('PORTICO_NATS_PASSWORD_FILE', join(home, 'keys', 'nats', service)),
    },
    workspace: env.hostPart('PORTICO_WORKSPACE', 'local'),
    logLevel: env.choice('PORTICO_LOG_LEVEL', 'info', LOG_LEVELS),
    otlpEndpoint: env.optionalText('OTEL_EXPORTER_OTLP_ENDPOINT'),
    graceMs: env.integer('PORTICO_STOP_GRACE_MS', 10_000, { min: 0, max: 3_600_000 }),
  };
}

/** The unix socket of a service's internal gRPC API on this machine. */
export function socketOf(home: string, service: string): string {
  return join(home, 'run', `${service}.sock`);
}
