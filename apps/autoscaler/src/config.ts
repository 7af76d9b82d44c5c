import { type CommonConfig, type Environment, readCommonConfig, readEnvironment } from '@portico/service';

export interface Config extends CommonConfig {
  /** PORTICO_MAX_CONTAINERS: most containers of one pool whose function sets no `max_containers`. */
  readonly maxContainers: number;
  /** PORTICO_SCALE_TICK_MS: how often windows are looked at; new demand does not wait for it. */
  readonly tickMs: number;
}

export function readConfig(env: Environment): Config {
  const reader = readEnvironment(env);
  const config = {
    ...readCommonConfig('autoscaler', reader),
    maxContainers: reader.integer('PORTICO_MAX_CONTAINERS', 100, { min: 1, max: 100_000 }),
    tickMs: reader.integer('PORTICO_SCALE_TICK_MS', 250, { min: 10, max: 60_000 }),
  };
  reader.done();
  return config;
}
