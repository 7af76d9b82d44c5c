import { join } from 'node:path';
import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export interface Config extends CommonConfig {
  /** PORTICO_IMAGES_DIR: the image store; several instances on one machine may share it. */
  readonly imagesDir: string;
  /** PORTICO_RUNNER_DIR: the container-runner that goes into containers. */
  readonly runnerDir: string;
  /** PORTICO_BUILD_RUNTIME: the OCI runtime of RUN steps; it must take PORTICO_RUN_ENVIRONMENT. */
  readonly buildRuntime: string;
  /** PORTICO_BUILDS_AT_ONCE. */
  readonly buildsAtOnce: number;
  /** PORTICO_REGISTRY_TIMEOUT_MS: how long a registry may take to answer before the offline base stands in. */
  readonly registryTimeoutMs: number;
  /** What RUN steps need of this machine to reach package registries; images do not keep it. */
  readonly runEnvironment: Readonly<Record<string, string>>;
}

const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const PASSED_ON = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_DEFAULT_TIMEOUT', 'UV_INDEX_URL', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

function runEnvironmentOf(env: Environment): Record<string, string> {
  const passed = PASSED_ON.flatMap((name): [string, string][] => (env[name] ? [[name, env[name]]] : []));
  const trust = { PIP_CERT: CA_BUNDLE, SSL_CERT_FILE: CA_BUNDLE, REQUESTS_CA_BUNDLE: CA_BUNDLE, CURL_CA_BUNDLE: CA_BUNDLE, UV_SYSTEM_CERTS: 'true' };
  return { ...trust, ...Object.fromEntries(passed) };
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const common = readCommonConfig('image-builder', reader);
  const source = join(import.meta.dirname, '..');
  const config: Config = {
    ...common,
    imagesDir: reader.text('PORTICO_IMAGES_DIR', join(common.home, 'images')),
    runnerDir: reader.text('PORTICO_RUNNER_DIR', join(source, '../container-runner')),
    buildRuntime: reader.text('PORTICO_BUILD_RUNTIME', join(source, 'runtime/runc-with-environment')),
    buildsAtOnce: reader.integer('PORTICO_BUILDS_AT_ONCE', 2, { min: 1, max: 64 }),
    runEnvironment: runEnvironmentOf(env),
    registryTimeoutMs: reader.integer('PORTICO_REGISTRY_TIMEOUT_MS', 600_000, { min: 1_000, max: 3_600_000 }),
  };
  reader.done();
  return config;
}
