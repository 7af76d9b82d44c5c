import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export function readConfig(env: Environment): CommonConfig {
  const reader = readEnvironment(env);
  const config = readCommonConfig('auth', reader);
  reader.done();
  return config;
}
