import type { Codec } from './codec.ts';
import * as auth from './gen/index.portico.auth.v1.ts';
import * as autoscaler from './gen/index.portico.autoscaler.v1.ts';
import * as control from './gen/index.portico.control.v1.ts';
import * as domains from './gen/index.portico.domains.v1.ts';
import * as imageBuilder from './gen/index.portico.image_builder.v1.ts';
import * as nodeAgent from './gen/index.portico.node_agent.v1.ts';

/** A JetStream key-value bucket: what is, as opposed to what happens. */
export interface BucketSpec<T> {
  readonly name: string;
  readonly codec: Codec<T>;
  /** The one service that writes it and creates it at its start. */
  readonly owner: string;
}

function bucket<T>(name: string, owner: string, codec: Codec<T>): BucketSpec<T> {
  return { name, owner, codec };
}

/** Every bucket of the platform. Keys are documented on the messages in `proto/`. */
export const buckets = {
  environments: bucket('environments', 'control', control.Environment),
  apps: bucket('apps', 'control', control.App),
  appNames: bucket('app_names', 'control', control.AppName),
  live: bucket('live', 'control', control.LiveApp),
  deployments: bucket('deployments', 'control', control.Deployment),
  functions: bucket('functions', 'control', control.FunctionRecord),
  definitions: bucket('definitions', 'control', control.Definition),
  secrets: bucket('secrets', 'control', control.SecretRecord),
  mounts: bucket('mounts', 'control', control.MountRecord),
  labels: bucket('labels', 'control', control.LabelClaim),
  limits: bucket('limits', 'control', control.Limit),
  placements: bucket('placements', 'autoscaler', autoscaler.Placement),
  nodes: bucket('nodes', 'node-agent', nodeAgent.Node),
  containers: bucket('containers', 'node-agent', nodeAgent.Container),
  tokens: bucket('tokens', 'auth', auth.Token),
  domains: bucket('domains', 'domains', domains.Domain),
  images: bucket('images', 'image-builder', imageBuilder.Image),
} as const;
