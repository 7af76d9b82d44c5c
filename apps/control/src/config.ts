import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export interface Config extends CommonConfig {
  /** PORTICO_SDK_PORT: where clients reach the platform. */
  readonly sdkPort: number;
  /** PORTICO_API_PORT: HTTP for blobs. */
  readonly apiPort: number;
  /** PORTICO_HTTP_PORT: of the router; goes into printed URLs. */
  readonly httpPort: number;
  /** PORTICO_HTTPS_PORT: goes into them instead when the router has a certificate; undefined while it has none. */
  readonly httpsPort: number | undefined;
  /** PORTICO_BASE_DOMAIN. */
  readonly baseDomain: string;
  /** PORTICO_LISTEN: address that clients connect to. */
  readonly listen: string;
  /** PORTICO_CLIENT_TIMEOUT_MS: how long an app may go without a sign of life of its client. */
  readonly clientTimeoutMs: number;
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const config: Config = {
    ...readCommonConfig('control', reader),
    sdkPort: reader.port('PORTICO_SDK_PORT', 7400),
    apiPort: reader.port('PORTICO_API_PORT', 7401),
    httpPort: reader.port('PORTICO_HTTP_PORT', 8080),
    httpsPort:
      reader.optionalText('PORTICO_TLS_CERT_FILE') === undefined ? undefined : reader.port('PORTICO_HTTPS_PORT', 8443),
    baseDomain: reader.text('PORTICO_BASE_DOMAIN', 'localhost').toLowerCase(),
    listen: reader.text('PORTICO_LISTEN', '0.0.0.0'),
    clientTimeoutMs: reader.integer('PORTICO_CLIENT_TIMEOUT_MS', 60_000, { min: 1_000, max: 86_400_000 }),
  };
  reader.done();
  return config;
}
