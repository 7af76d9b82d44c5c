import { createHash } from 'node:crypto';
import type { control } from '@portico/contracts';
import { basePoolIdOf, boundPoolId } from '@portico/ids';

/** Which values classes with parameters are asked for: each set of values is a pool of its own. */
export interface BoundPools {
  /** Somebody has work for a pool with these values. */
  heard(poolId: string, serializedParams: Uint8Array | undefined, nowMs: number): void;
  /** Values that a deployed pool was asked for lately. */
  of(basePoolId: string): Iterable<Buffer>;
  /** Forgets what nobody has asked for in a while; containers that are left keep their values themselves. */
  sweep(nowMs: number): void;
}

/** Routers report pools with work every second; they may be away for a while. */
const KEEP_MS = 60_000;

export function createBoundPools(): BoundPools {
  const heard = new Map<string, { readonly serializedParams: Buffer; readonly atMs: number }>();
  return {
    heard(poolId, serializedParams, nowMs) {
      if (serializedParams?.length) heard.set(poolId, { serializedParams: Buffer.from(serializedParams), atMs: nowMs });
    },
    *of(basePoolId) {
      for (const [poolId, { serializedParams }] of heard)
        if (basePoolIdOf(poolId) === basePoolId) yield serializedParams;
    },
    sweep(nowMs) {
      for (const [poolId, { atMs }] of heard) if (nowMs - atMs >= KEEP_MS) heard.delete(poolId);
    },
  };
}

/**
 * The pools to scale in place of the deployed ones. A class with parameters has none itself, but one for each set of values that is
 * asked for or has containers, in this version or another one with the same parameters. None of these is kept
 * without work: `min_containers` can't know the values.
 */
export function expandPools(
  pools: readonly control.PoolSpec[],
  setsOf: (spec: control.PoolSpec) => Iterable<Buffer>,
): control.PoolSpec[] {
  return pools.flatMap((spec) => {
    if (spec.parameters.length === 0) return [spec];
    return [...setsOf(spec)].map((serializedParams) => ({
      ...spec,
      poolId: boundPoolId(spec.poolId, createHash('sha256').update(serializedParams).digest()),
      serializedParams,
      minContainers: 0,
    }));
  });
}

/** The sets of each pool of an app: those of all its versions of the same class, as long as the parameters are the same. */
export function setsInApp(
  pools: readonly control.PoolSpec[],
  known: (basePoolId: string) => Iterable<Buffer>,
): (spec: control.PoolSpec) => Iterable<Buffer> {
  const sets = new Map<string, Map<string, Buffer>>();
  for (const spec of pools) {
    if (spec.parameters.length === 0) continue;
    const key = classOf(spec);
    const ofClass = sets.get(key) ?? new Map<string, Buffer>();
    for (const serializedParams of known(spec.poolId))
      ofClass.set(serializedParams.toString('latin1'), serializedParams);
    sets.set(key, ofClass);
  }
  return (spec) => sets.get(classOf(spec))?.values() ?? [];
}

function classOf({ functionId, parameters }: control.PoolSpec): string {
  return [functionId, ...parameters.map(({ name, type }) => `${name}:${type}`)].join(' ');
}

/** Whether two pools are of one function and, if it is a class with parameters, of the same values. */
export function servesTheSame(a: control.PoolSpec, b: control.PoolSpec): boolean {
  return a.functionId === b.functionId && Buffer.compare(a.serializedParams, b.serializedParams) === 0;
}
