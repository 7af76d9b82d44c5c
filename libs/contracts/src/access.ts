/** Every service process of the platform. */
export const serviceNames = [
  'auth',
  'domains',
  'control',
  'image-builder',
  'autoscaler',
  'node-agent',
  'router',
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** What one service may do on NATS, in names of `buckets`, `streams` and `subjects`. Owners may write what they own. */
export interface AccessRule {
  readonly reads: readonly string[];
  readonly readsStreams: readonly string[];
  readonly listens: readonly string[];
}

/** The least that each service needs; the NATS server enforces it. */
export const accessRules: Record<ServiceName, AccessRule> = {
  auth: { reads: [], readsStreams: [], listens: [] },
  domains: { reads: [], readsStreams: [], listens: [] },
  control: {
    reads: ['tokens', 'domains', 'containers', 'placements', 'nodes', 'images'],
    readsStreams: ['logs', 'buildLogs'],
    listens: [],
  },
  'image-builder': { reads: [], readsStreams: [], listens: [] },
  autoscaler: {
    reads: ['live', 'containers', 'nodes'],
    readsStreams: [],
    listens: ['poolWake', 'load', 'containerExpired'],
  },
  'node-agent': { reads: ['placements'], readsStreams: [], listens: [] },
  router: {
    reads: ['live', 'limits', 'containers', 'domains', 'tokens', 'environments'],
    readsStreams: [],
    // Its own kind: routers count each other.
    listens: ['load'],
  },
};
