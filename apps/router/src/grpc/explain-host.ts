import type { Replica } from '../replica.ts';

/** What the router would do with a request to a host, for people. */
export function explain(
  { routes, pools, admission }: Pick<Replica, 'routes' | 'pools' | 'admission'>,
  host: string,
): string {
  const target = routes.find(host.toLowerCase());
  if (target.kind !== 'route') return `${host}: ${target.kind}`;
  const describe = (poolId: string): string => {
    const pool = pools.of(poolId);
    return `${poolId} (${pool.hasReady ? 'has ready containers' : 'no ready container'}, ${pool.inFlight} running, ${pool.queued} waiting)`;
  };
  const before = target.previous ? `, before it ${describe(target.previous.poolId)}` : '';
  return `${host}: pool ${describe(target.pool.poolId)}${before}; ${admission.describe(target.party)}`;
}
