import { control } from '@portico/contracts';
import type { LimitedParty } from './admission.ts';
import { functionNameOf } from './limits-in-force.ts';

/** What a host name leads to. */
export type Target =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'route';
      readonly route: control.Route;
      readonly pool: control.PoolSpec;
      readonly previous: control.PoolSpec | undefined;
      readonly party: LimitedParty;
    };

/** Host to route, rebuilt app by app as deployments come and go. */
export interface RouteTable {
  apply(appId: string, app: control.LiveApp | undefined): void;
  find(host: string): Target;
  /** Pools that something deployed may still send work to. */
  pools(): IterableIterator<control.PoolSpec>;
}

interface Candidate {
  readonly app: control.LiveApp;
  readonly route: control.Route;
}

const UNKNOWN: Target = { kind: 'unknown' };
const STOPPED: Target = { kind: 'stopped' };

export function createRouteTable(): RouteTable {
  const apps = new Map<string, control.LiveApp>();
  const hosts = new Map<string, Candidate[]>();
  const targets = new Map<string, Target>();
  const forget = (app: control.LiveApp): void => {
    for (const { host } of app.routes) {
      const left = (hosts.get(host) ?? []).filter((candidate) => candidate.app.appId !== app.appId);
      if (left.length > 0) hosts.set(host, left);
      else hosts.delete(host);
      settle(host);
    }
  };
  const settle = (host: string): void => {
    const candidates = hosts.get(host);
    if (candidates) targets.set(host, targetOf(candidates));
    else targets.delete(host);
  };
  return {
    apply(appId, app) {
      const before = apps.get(appId);
      if (before) forget(before);
      if (!app) {
        apps.delete(appId);
        return;
      }
      apps.set(appId, app);
      for (const route of app.routes) {
        hosts.set(route.host, [...(hosts.get(route.host) ?? []), { app, route }]);
        settle(route.host);
      }
    },
    find: (host) => targets.get(host) ?? UNKNOWN,
    *pools() {
      for (const app of apps.values()) yield* [...app.pools, ...app.previousPools];
    },
  };
}

/** A running app comes before a stopped one, then the newer claim. */
function targetOf(candidates: readonly Candidate[]): Target {
  const running = candidates
    .filter(({ app }) => app.state === control.AppState.RUNNING)
    .sort((a, b) => b.route.claimedAt - a.route.claimedAt)[0];
  if (!running) return STOPPED;
  const { app, route } = running;
  const pool = app.pools.find(({ poolId }) => poolId === route.poolId);
  if (!pool) return UNKNOWN;
  return {
    kind: 'route',
    route,
    pool,
    previous: app.previousPools.find(({ poolId }) => poolId === route.previousPoolId),
    party: partyOf(app, pool),
  };
}

/** Made once for each route, so that a request needs no string of its own. */
function partyOf({ workspace, environmentName, name }: control.LiveApp, pool: control.PoolSpec): LimitedParty {
  const functionName = functionNameOf({ environmentName, appName: name, tag: pool.functionTag });
  return { workspace, functionName, functionId: pool.functionId };
}
