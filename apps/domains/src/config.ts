import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export interface Config extends CommonConfig {
  /** PORTICO_BASE_DOMAIN: every public host name ends in it. */
  readonly baseDomain: string;
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const config = {
    ...readCommonConfig('domains', reader),
    baseDomain: reader.text('PORTICO_BASE_DOMAIN', 'localhost').toLowerCase(),
  };
  reader.done();
  return config;
}
