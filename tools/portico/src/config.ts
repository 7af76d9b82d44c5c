import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Environment, readEnvironment } from '@portico/service';
import type { MachineCache } from './adapters/machine-cache.ts';

/** One instance of the platform: where its state is and where it listens. */
export interface Config {
  /** PORTICO_HOME */
  readonly home: string;
  /** PORTICO_HTTP_PORT: public requests. */
  readonly httpPort: number;
  /** PORTICO_HTTPS_PORT: public requests under TLS; undefined while there is no certificate. */
  readonly httpsPort: number | undefined;
  /** PORTICO_SDK_PORT: the client's RPCs. */
  readonly sdkPort: number;
  /** PORTICO_API_PORT: uploads, downloads and sign-in. */
  readonly apiPort: number;
  /** PORTICO_BASE_DOMAIN */
  readonly baseDomain: string;
  /** PORTICO_WORKSPACE */
  readonly workspace: string;
  /** PORTICO_START_TIMEOUT_MS: how long `up` waits for all services. */
  readonly startTimeoutMs: number;
  /** PORTICO_STOP_GRACE_MS: how long a service may take to stop before it is killed. */
  readonly stopGraceMs: number;
  /** PORTICO_CACHE: what the instances of this machine share. */
  readonly cache: MachineCache;
  /** PORTICO_ROOT: the checkout. */
  readonly root: string;
  /** What of the caller's environment the services get. */
  readonly passedOn: Readonly<Record<string, string>>;
  readonly processors: number;
}

const PASSED_ON =
  /^(PATH|HOME|LANG|TZ|OTEL_.*|PORTICO_.*|PIP_.*|UV_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/;

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const config: Config = {
    home: reader.text('PORTICO_HOME', '/var/lib/portico').replace(/(?<=.)\/+$/, ''),
    httpPort: reader.port('PORTICO_HTTP_PORT', 8080),
    httpsPort:
      reader.optionalText('PORTICO_TLS_CERT_FILE') === undefined ? undefined : reader.port('PORTICO_HTTPS_PORT', 8443),
    sdkPort: reader.port('PORTICO_SDK_PORT', 7400),
    apiPort: reader.port('PORTICO_API_PORT', 7401),
    baseDomain: reader.text('PORTICO_BASE_DOMAIN', 'localhost'),
    workspace: reader.hostPart('PORTICO_WORKSPACE', 'local'),
    startTimeoutMs: reader.integer('PORTICO_START_TIMEOUT_MS', 120_000, { min: 1_000, max: 3_600_000 }),
    stopGraceMs: reader.integer('PORTICO_STOP_GRACE_MS', 10_000, { min: 0, max: 3_600_000 }),
    cache: {
      folder: reader.text('PORTICO_CACHE', '/var/cache/portico'),
      isNamed: reader.optionalText('PORTICO_CACHE') !== undefined,
    },
    root: reader.text('PORTICO_ROOT', join(import.meta.dirname, '../../..')),
    passedOn: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        value !== undefined && PASSED_ON.test(name) ? [[name, value]] : [],
      ),
    ),
    processors: availableParallelism(),
  };
  reader.done();
  return config;
}
