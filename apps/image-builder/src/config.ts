import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export interface Config extends CommonConfig {
  /** PORTICO_IMAGES_DIR: the images of this instance. */
  readonly imagesDir: string;
  /** PORTICO_CACHE: what all instances of this machine share: base images, recipes of nobody's files, runtime layers. */
  readonly cacheDir: string;
  /** PORTICO_RUNNER_DIR: the container-runner that goes into containers. */
  readonly runnerDir: string;
  /** PORTICO_PYTHON: a Python of this machine with pip; it fetches what goes into containers. */
  readonly python: string;
  /** The programs beside the sources that buildah and we start. */
  readonly runtimeDir: string;
  readonly build: BuildConfig;
  readonly registry: RegistryConfig;
  /** What programs that we start get as their environment. */
  readonly environment: Environment;
  /** Eight hex digits that follow from PORTICO_HOME: they name the network of this instance. */
  readonly instance: string;
}

export interface BuildConfig {
  /** PORTICO_BUILDS_AT_ONCE. */
  readonly atOnce: number;
  /** PORTICO_BUILD_TIMEOUT_MS: how long one build may take. */
  readonly timeoutMs: number;
  /** PORTICO_BUILD_RUNTIME: the OCI runtime of RUN steps. */
  readonly ociRuntime: string;
  /** PORTICO_BUILD_NETWORK. */
  readonly network: 'isolated' | 'host';
  /** PORTICO_BUILD_CA_BUNDLE: the certificates that RUN steps trust beside the image's own; `none` for none. */
  readonly caBundle: string | undefined;
  /** pip's own variables of this machine. */
  readonly pipVariables: Readonly<Record<string, string | undefined>>;
  /** PORTICO_DEBIAN_MIRROR: where the offline base takes its packages from. */
  readonly debianMirror: string | undefined;
}

export interface RegistryConfig {
  /** PORTICO_REGISTRY_PROBE_MS: how long a registry may take to say anything before the offline base stands in. */
  readonly probeMs: number;
  /** PORTICO_REGISTRY_TIMEOUT_MS: how long a pull may take. */
  readonly timeoutMs: number;
  /** PORTICO_INSECURE_REGISTRIES: those that speak plain HTTP, with commas between. */
  readonly insecure: readonly string[];
  readonly hasProxy: boolean;
}

const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const common = readCommonConfig('image-builder', reader);
  const project = join(import.meta.dirname, '..');
  const venvPython = join(project, '../../.toolchain/client-venv/bin/python');
  const caBundle = reader.text('PORTICO_BUILD_CA_BUNDLE', CA_BUNDLE);
  const config: Config = {
    ...common,
    imagesDir: reader.text('PORTICO_IMAGES_DIR', join(common.home, 'images')),
    cacheDir: reader.text('PORTICO_CACHE', '/var/cache/portico'),
    runnerDir: reader.text('PORTICO_RUNNER_DIR', join(project, '../container-runner')),
    python: reader.text('PORTICO_PYTHON', existsSync(venvPython) ? venvPython : 'python3'),
    runtimeDir: join(project, 'runtime'),
    build: {
      atOnce: reader.integer('PORTICO_BUILDS_AT_ONCE', 2, { min: 1, max: 64 }),
      timeoutMs: reader.integer('PORTICO_BUILD_TIMEOUT_MS', 3_600_000, { min: 1_000, max: 86_400_000 }),
      ociRuntime: reader.text('PORTICO_BUILD_RUNTIME', 'runc'),
      network: reader.choice('PORTICO_BUILD_NETWORK', 'isolated', ['isolated', 'host']),
      caBundle: caBundle === 'none' ? undefined : caBundle,
      pipVariables: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PIP_'))),
      debianMirror: reader.optionalText('PORTICO_DEBIAN_MIRROR'),
    },
    registry: {
      probeMs: reader.integer('PORTICO_REGISTRY_PROBE_MS', 3_000, { min: 100, max: 60_000 }),
      timeoutMs: reader.integer('PORTICO_REGISTRY_TIMEOUT_MS', 600_000, { min: 1_000, max: 3_600_000 }),
      insecure: (reader.optionalText('PORTICO_INSECURE_REGISTRIES') ?? '').split(',').filter(Boolean),
      hasProxy: Boolean(env['HTTPS_PROXY'] ?? env['https_proxy']),
    },
    environment: env,
    instance: createHash('sha256').update(common.home).digest('hex').slice(0, 8),
  };
  reader.done();
  return config;
}
