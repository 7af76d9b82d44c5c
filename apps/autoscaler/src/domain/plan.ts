import type { control } from '@portico/contracts';
import { servesTheSame } from './bound-pools.ts';
import { decide } from './decide.ts';
import { demandOf } from './demand.ts';
import type { PoolView } from './fleet.ts';
import { noRoom, type PlaceableNode, place, withPlaced } from './place.ts';
import type { Decision } from './pool-state.ts';

export interface Start {
  readonly spec: control.PoolSpec;
  readonly nodeId: string;
  readonly why: string;
}

export interface Stop {
  readonly containerId: string;
  readonly why: string;
}

/** Everything that is to be done now, over all pools; printable. */
export interface Plan {
  readonly starts: readonly Start[];
  readonly stops: readonly Stop[];
  /** What was decided for each pool, with the reason why it gets less if it does. */
  readonly decisions: ReadonlyMap<string, Decision>;
  /** Pool ids with the reason why a container that they should get has no place. */
  readonly unplaced: ReadonlyMap<string, string>;
}

/** Decides over every pool and finds places for what is to be started. Asking twice changes nothing once it was done. */
export function plan(views: readonly PoolView[], nodes: readonly PlaceableNode[], nowMs: number): Plan {
  const starts: Start[] = [];
  const stops: Stop[] = [];
  const decisions = new Map<string, Decision>();
  const unplaced = new Map<string, string>();
  let room = nodes;
  for (const { spec, state } of views) {
    const decision = decide(state, nowMs);
    decisions.set(spec.poolId, decision);
    stops.push(...decision.drain.map((containerId) => ({ containerId, why: decision.reason })));
    const demand = demandOf(spec);
    for (let i = 0; i < decision.start; i++) {
      const nodeId = place(room, demand);
      if (nodeId === undefined) {
        const why = noRoom(room, demand);
        unplaced.set(spec.poolId, why);
        decisions.set(spec.poolId, { ...decision, reason: why });
        stops.push(...roomMadeBy(spec, views));
        break;
      }
      room = withPlaced(room, nodeId, demand);
      starts.push({ spec, nodeId, why: decision.reason });
    }
  }
  return { starts, stops: [...new Map(stops.map((stop) => [stop.containerId, stop])).values()], decisions, unplaced };
}

/**
 * A full node would keep a new version out for ever, since the old one holds its place: one container
 * of the old version goes at a time, the least busy first. It finishes what it has.
 */
function roomMadeBy(successor: control.PoolSpec, views: readonly PoolView[]): Stop[] {
  const old = views.filter(({ spec, state }) => state.role.kind === 'previous' && servesTheSame(spec, successor));
  const containers = old.flatMap(({ state }) => state.containers);
  if (containers.some(({ state }) => state === 'draining')) return [];
  const [first] = [...containers].sort((a, b) => a.inFlight - b.inFlight || a.lastBusyMs - b.lastBusyMs);
  return first ? [{ containerId: first.containerId, why: 'makes room for its successor' }] : [];
}
