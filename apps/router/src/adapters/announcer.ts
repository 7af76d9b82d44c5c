import type { control, nodeAgent } from '@portico/contracts';
import { basePoolIdOf } from '@portico/ids';
import type { Change as ViewChange } from '@portico/messaging';
import type { UnopenedPool } from '../domain/decide-target.ts';
import { keyOfLimit, keyOfWorkspace } from '../domain/limits-in-force.ts';
import type { Replica } from '../replica.ts';
import type { BlockIndex, Blocks } from '../shared/blocks.ts';
import { BucketCells } from '../shared/bucket-cells.ts';
import { ContainerCells } from '../shared/container-cells.ts';
import { PoolCells } from '../shared/pool-cells.ts';
import type { Change, PoolPlace, Wanted } from '../threads/messages.ts';

/** Makes what all threads are told out of what the buckets say: everything that is counted gets its place in shared memory. */
export interface Announcer {
  app(change: ViewChange<control.LiveApp>): void;
  container(change: ViewChange<nodeAgent.Container>, before: nodeAgent.Container | undefined): void;
  limit(change: ViewChange<control.Limit>, before: control.Limit | undefined): void;
  /** A class is asked for with values that have no pool yet. */
  open(pool: UnopenedPool): void;
  /** A request that waits tells the values of its pool: one that containers have opened has told none. */
  learn(wanted: Pick<Wanted, 'poolId' | 'serializedParams'>): void;
  /** The values that a pool serves a class with; undefined for any other. */
  paramsOf(poolId: string): Buffer | undefined;
  /** Forgets the pools that had nothing to do, and that nothing could send work to, now and the last time. */
  sweep(): void;
}

export interface AnnouncerOptions {
  readonly blocks: Blocks;
  /** How many threads serve. */
  readonly threads: number;
  /** What the main thread knows already. */
  readonly known: Pick<Replica, 'routes' | 'pools' | 'containers'>;
  readonly tell: (change: Change) => void;
  /** Pools with values of their own that one class may have. */
  readonly parameterSetsMax: number;
}

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { blocks, threads, known, tell, parameterSetsMax } = options;
  const params = new Map<string, Buffer>();
  const places = { pools: placesIn(blocks, PoolCells.blocks(threads)), ...placesOfOne(blocks) };
  const placeOf = (poolId: string): PoolPlace => ({ poolId, at: places.pools.of(poolId) });
  let idleBefore: ReadonlySet<string> = new Set();
  return {
    app({ key: appId, value: app }) {
      const pools = app ? [...app.pools, ...app.previousPools].map(({ poolId }) => placeOf(poolId)) : [];
      const bucketAt = app ? places.buckets.of(keyOfWorkspace(app.workspace)) : 0;
      tell({ kind: 'app', appId, app, pools, bucketAt });
    },
    container({ key: containerId, value: container }, before) {
      const poolId = container?.poolId ?? before?.poolId;
      if (!poolId) return;
      const at = places.containers.of(containerId);
      tell({ kind: 'container', containerId, container, at, pool: placeOf(poolId) });
      if (!container) places.containers.giveBack(containerId);
    },
    limit({ value: limit }, before) {
      tell({ kind: 'limit', limit, before, bucketAt: places.buckets.of(keyOfLimit(limit ?? before)) });
    },
    open({ poolId, serializedParams }) {
      const base = basePoolIdOf(poolId);
      const others = [...params.keys()].filter((other) => other !== poolId && basePoolIdOf(other) === base);
      if (others.length >= parameterSetsMax || !places.pools.canOpen(poolId))
        return tell({ kind: 'no more pools', poolId });
      params.set(poolId, Buffer.from(serializedParams));
      tell({ kind: 'bound pool', pool: placeOf(poolId), serializedParams });
    },
    learn({ poolId, serializedParams }) {
      if (serializedParams) params.set(poolId, Buffer.from(serializedParams));
    },
    paramsOf: (poolId) => params.get(poolId),
    sweep() {
      const idle = idlePools(known);
      for (const poolId of idle) {
        if (!idleBefore.has(poolId)) continue;
        tell({ kind: 'forgotten pool', poolId });
        places.pools.giveBack(poolId);
        params.delete(poolId);
      }
      idleBefore = idle;
    },
  };
}

function idlePools({ routes, pools, containers }: AnnouncerOptions['known']): Set<string> {
  const inUse = new Set([...routes.pools(), ...containers.all()].map(({ poolId }) => poolId));
  const isIdle = ({ poolId, inFlight, queued }: { poolId: string; inFlight: number; queued: number }): boolean =>
    inFlight === 0 && queued === 0 && !inUse.has(poolId);
  return new Set([...pools.all()].filter(isIdle).map(({ poolId }) => poolId));
}

function placesOfOne(blocks: Blocks): { readonly containers: Places; readonly buckets: Places } {
  return {
    containers: placesIn(blocks, ContainerCells.blocks),
    buckets: placesIn(blocks, BucketCells.blocks),
  };
}

/** Where things of one kind are counted, by name. */
interface Places {
  of(name: string): BlockIndex;
  giveBack(name: string): void;
  /** Whether one that nobody needs may have a place. */
  canOpen(name: string): boolean;
}

function placesIn(blocks: Blocks, count: number): Places {
  const places = new Map<string, BlockIndex>();
  return {
    of(name) {
      const known = places.get(name);
      if (known !== undefined) return known;
      const at = blocks.take(count);
      places.set(name, at);
      return at;
    },
    giveBack(name) {
      const at = places.get(name);
      if (at === undefined) return;
      places.delete(name);
      blocks.giveBack(at, count);
    },
    canOpen: (name) => places.has(name) || blocks.canSpare(count),
  };
}
