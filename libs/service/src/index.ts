export { type CommonConfig, type NatsConfig, readCommonConfig, socketOf } from './common-config.ts';
export { ConfigError, type Environment, type EnvironmentReader, readEnvironment } from './env.ts';
export { readyFileOf, runService, type ServiceContext } from './run-service.ts';
export { Secret } from './secret.ts';
