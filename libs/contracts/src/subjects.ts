import type { Codec } from './codec.ts';
import * as control from './gen/index.portico.control.v1.ts';
import * as nodeAgent from './gen/index.portico.node_agent.v1.ts';
import * as router from './gen/index.portico.router.v1.ts';

/** A plain NATS subject: told once to whoever listens, kept by nobody. */
export interface SubjectSpec<T> {
  /** The subject without its id part. */
  readonly prefix: string;
  readonly codec: Codec<T>;
  readonly owner: string;
  /** Whether an id follows the prefix. */
  readonly hasId: boolean;
}

function subject<T>(prefix: string, owner: string, codec: Codec<T>, hasId = true): SubjectSpec<T> {
  return { prefix, owner, codec, hasId };
}

export const subjects = {
  /** Id = pool id. */
  poolWake: subject('router.v1.pool.wake', 'router', router.PoolWake),
  load: subject('router.v1.load', 'router', router.LoadReport, false),
  /** Id = container id. */
  containerExpired: subject('router.v1.container.expired', 'router', nodeAgent.ContainerExpired),
  /** Id = app id. */
  appEnded: subject('control.v1.app.ended', 'control', control.AppEnded),
} as const;
