import { availableParallelism } from 'node:os';
import {
  type CommonConfig,
  type Environment,
  type EnvironmentReader,
  readCommonConfig,
  readEnvironment,
} from '@portico/service';
import type { CertificateFiles } from './adapters/certificate.ts';
import { THREADS_MAX } from './shared/pool-cells.ts';

export interface Config extends CommonConfig {
  /** PORTICO_HTTP_PORT. */
  readonly httpPort: number;
  /** PORTICO_LISTEN: address that requests come to. */
  readonly listen: string;
  /** PORTICO_HTTPS_PORT with its certificate; undefined while none is set. */
  readonly https: HttpsConfig | undefined;
  /** PORTICO_ROUTER_THREADS: threads that serve requests, beside the one that talks to the other services. */
  readonly threads: number;
  readonly limits: Limits;
}

export interface HttpsConfig extends CertificateFiles {
  /** PORTICO_HTTPS_PORT. */
  readonly port: number;
}

/** Every bound of the request path, by name. */
export interface Limits {
  /** PORTICO_QUEUE_MAX: requests that may wait for one pool, at all routers together. */
  readonly queueMax: number;
  /** PORTICO_QUEUE_DEADLINE_MS: how long one may wait. */
  readonly queueDeadlineMs: number;
  /** PORTICO_BODY_BYTES_MAX: largest request body. */
  readonly bodyBytesMax: number;
  /** PORTICO_HEADER_BYTES_MAX: largest request head. */
  readonly headerBytesMax: number;
  /** PORTICO_HEAD_TIMEOUT_MS: how long a client may take for its request head. */
  readonly headTimeoutMs: number;
  /** PORTICO_BODY_TIMEOUT_MS: how long a client may send nothing of the body that its container waits for. */
  readonly bodyTimeoutMs: number;
  /** PORTICO_IDLE_TIMEOUT_MS: how long an idle connection is kept. */
  readonly idleTimeoutMs: number;
  /** PORTICO_STREAMS_MAX: requests at once on one connection of HTTP/2. */
  readonly streamsMax: number;
  /** PORTICO_REDIRECT_AFTER_MS: a request that has no answer after this is sent to its result URL. */
  readonly redirectAfterMs: number;
  /** PORTICO_RESULTS_MAX: calls of one workspace that go on without their clients. */
  readonly resultsMax: number;
  /** PORTICO_RESULT_EXPIRY_MS: how long an answer waits for somebody to come. */
  readonly resultExpiryMs: number;
  /** PORTICO_PARAMETER_SETS_MAX: different values of its parameters that one class is served with at once. */
  readonly parameterSetsMax: number;
  /** PORTICO_RATE_PER_SECOND and PORTICO_RATE_BURST: of one workspace, at all routers together. */
  readonly ratePerSecond: number;
  readonly rateBurst: number;
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const bounded = (name: string, fallback: number, max: number): number =>
    reader.integer(name, fallback, { min: 1, max });
  const config: Config = {
    ...readCommonConfig('router', reader),
    httpPort: reader.port('PORTICO_HTTP_PORT', 8080),
    listen: reader.text('PORTICO_LISTEN', '0.0.0.0'),
    https: readHttps(reader),
    threads: reader.integer('PORTICO_ROUTER_THREADS', Math.min(availableParallelism(), THREADS_MAX), {
      min: 1,
      max: THREADS_MAX,
    }),
    limits: {
      queueMax: bounded('PORTICO_QUEUE_MAX', 2_000, 1_000_000),
      queueDeadlineMs: bounded('PORTICO_QUEUE_DEADLINE_MS', 300_000, 86_400_000),
      bodyBytesMax: bounded('PORTICO_BODY_BYTES_MAX', 4 * 1024 ** 3, Number.MAX_SAFE_INTEGER),
      headerBytesMax: bounded('PORTICO_HEADER_BYTES_MAX', 64 * 1024, 16 * 1024 ** 2),
      headTimeoutMs: bounded('PORTICO_HEAD_TIMEOUT_MS', 30_000, 3_600_000),
      bodyTimeoutMs: bounded('PORTICO_BODY_TIMEOUT_MS', 60_000, 3_600_000),
      idleTimeoutMs: bounded('PORTICO_IDLE_TIMEOUT_MS', 75_000, 3_600_000),
      streamsMax: bounded('PORTICO_STREAMS_MAX', 128, 65_535),
      redirectAfterMs: bounded('PORTICO_REDIRECT_AFTER_MS', 150_000, 86_400_000),
      resultsMax: bounded('PORTICO_RESULTS_MAX', 1_000, 100_000),
      resultExpiryMs: bounded('PORTICO_RESULT_EXPIRY_MS', 600_000, 86_400_000),
      parameterSetsMax: bounded('PORTICO_PARAMETER_SETS_MAX', 1_000, 100_000),
      ratePerSecond: bounded('PORTICO_RATE_PER_SECOND', 200, 10_000_000),
      rateBurst: bounded('PORTICO_RATE_BURST', 1_000, 10_000_000),
    },
  };
  reader.done();
  return config;
}

function readHttps(reader: EnvironmentReader): HttpsConfig | undefined {
  const port = reader.port('PORTICO_HTTPS_PORT', 8443);
  const certFile = reader.optionalText('PORTICO_TLS_CERT_FILE');
  const keyFile = reader.optionalText('PORTICO_TLS_KEY_FILE');
  if (certFile === undefined && keyFile === undefined) return undefined;
  // The one that lacks is named.
  if (certFile === undefined) reader.text('PORTICO_TLS_CERT_FILE');
  if (keyFile === undefined) reader.text('PORTICO_TLS_KEY_FILE');
  return { port, certFile: certFile ?? '', keyFile: keyFile ?? '' };
}
