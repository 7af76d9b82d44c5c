import { auth, control } from '@portico/contracts';
import { type Verdict, verifyToken } from '@portico/credentials';
import { basePoolIdOf } from '@portico/ids';
import { type ContainerTable, createContainerTable } from './adapters/container-table.ts';
import { createPools, type Pools } from './adapters/pools.ts';
import { type Admission, createAdmission } from './domain/admission.ts';
import type { DefaultBounds } from './domain/bounds.ts';
import type { DecisionNeeds } from './domain/decide-target.ts';
import { createLimitsInForce, keyOfLimit, keyOfWorkspace, type LimitsInForce } from './domain/limits-in-force.ts';
import { createRouteTable, type RouteTable } from './domain/route-table.ts';
import { BucketCells } from './shared/bucket-cells.ts';
import { ContainerCells } from './shared/container-cells.ts';
import { PoolCells } from './shared/pool-cells.ts';
import type { Change, PoolPlace } from './threads/messages.ts';

/** What one thread knows of the world: the same in all of them, but for the time a message takes. */
export interface Replica {
  readonly routes: RouteTable;
  readonly pools: Pools;
  readonly containers: ContainerTable;
  readonly limits: LimitsInForce;
  readonly admission: Admission;
  readonly verify: DecisionNeeds['verify'];
  /** What is counted of a workspace or of a function with a limit of its own. */
  bucketOf(key: string): BucketCells;
  /** Calls that go on without their clients, in all threads. */
  keptCalls(): number;
  apply(change: Change): void;
}

export interface ReplicaOptions {
  readonly defaults: DefaultBounds;
  readonly memory: SharedArrayBuffer;
  /** How many serve. */
  readonly threads: number;
  /** Which of these this is; -1 for the main thread, where no request waits. */
  readonly thread: number;
  readonly passOn: (thread: number, poolId: string, tried: number) => void;
}

export function createReplica({ defaults, memory, threads, thread, passOn }: ReplicaOptions): Replica {
  const routes = createRouteTable();
  const pools = createPools({ thread, passOn });
  const containers = createContainerTable();
  const limits = createLimitsInForce(defaults);
  const tokens = createTokens();
  const buckets = new Map<string, BucketCells>();
  const bucketOf = (key: string): BucketCells => {
    const cells = buckets.get(key);
    if (!cells) throw new Error(`Nothing was said of the rate of ${key}.`);
    return cells;
  };
  const openBucket = (key: string, at: number): void => {
    if (!buckets.has(key)) buckets.set(key, new BucketCells(memory, at));
  };
  const openPool = ({ poolId, at }: PoolPlace): void => pools.open(poolId, new PoolCells(memory, at, threads));
  const moveOn = createMover(pools);
  const apply = (change: Change): void => {
    switch (change.kind) {
      case 'app':
        change.pools.forEach(openPool);
        if (change.app) openBucket(keyOfWorkspace(change.app.workspace), change.bucketAt);
        routes.apply(change.appId, change.app);
        return moveOn(change.appId, change.app);
      case 'container': {
        const { containerId, container, at, pool } = change;
        openPool(pool);
        const before = containers.set(containerId, container);
        const { poolId } = pool;
        return pools.onContainer({ containerId, poolId, container, before }, new ContainerCells(memory, at));
      }
      case 'limit':
        openBucket(keyOfLimit(change.limit ?? change.before), change.bucketAt);
        return limits.apply(change.limit, change.before);
      case 'token':
        return tokens.set(change.tokenId, change.token);
      case 'verification key':
        return tokens.useKey(change.key);
      case 'routers':
        limits.routers = change.count;
        return;
      case 'bound pool':
        return openPool(change.pool);
      case 'no more pools':
        return;
      case 'forgotten pool':
        return pools.forget(change.poolId);
    }
  };
  const admission = createAdmission(limits, bucketOf);
  const keptCalls = (): number => [...buckets.values()].reduce((sum, { kept }) => sum + kept, 0);
  return { routes, pools, containers, limits, admission, verify: tokens.verify, bucketOf, keptCalls, apply };
}

function wantedPools(app: control.LiveApp | undefined): control.PoolSpec[] {
  return app?.state === control.AppState.RUNNING ? [...app.pools, ...app.previousPools] : [];
}

/** Who waits for what an app does not want any more would wait until nobody does: they go where requests go now. */
function createMover(pools: Pools): (appId: string, app: control.LiveApp | undefined) => void {
  const wanted = new Map<string, ReadonlySet<string>>();
  return (appId, app) => {
    const before = wanted.get(appId);
    const now = new Set(wantedPools(app).map(({ poolId }) => poolId));
    if (app) wanted.set(appId, now);
    else wanted.delete(appId);
    for (const pool of pools.all()) {
      const base = basePoolIdOf(pool.poolId);
      if (before?.has(base) && !now.has(base)) pool.moveAll();
    }
  };
}

interface Tokens {
  readonly verify: DecisionNeeds['verify'];
  set(tokenId: string, token: auth.Token | undefined): void;
  useKey(key: Uint8Array): void;
}

/** Until the key has come nobody is let in. */
function createTokens(): Tokens {
  const known = new Map<string, auth.Token>();
  let key: Uint8Array | undefined;
  return {
    set(tokenId, token) {
      if (token) known.set(tokenId, token);
      else known.delete(tokenId);
    },
    useKey(given) {
      key = given;
    },
    verify({ key: id, secret }, environmentName) {
      if (!key) return 'invalid';
      const presented = { kind: auth.TokenKind.PROXY, id, secret, environmentName };
      return inWords(verifyToken(presented, known.get(id), key, Date.now() / 1_000));
    },
  };
}

function inWords(verdict: Verdict): ReturnType<DecisionNeeds['verify']> {
  if (verdict.isValid) return 'valid';
  return verdict.refusal === 'other-environment' ? 'other-environment' : 'invalid';
}
