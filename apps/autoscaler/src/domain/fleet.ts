import { autoscaler, control, nodeAgent } from '@portico/contracts';
import { basePoolIdOf } from '@portico/ids';
import { expandPools, servesTheSame, setsInApp } from './bound-pools.ts';
import { demandOf } from './demand.ts';
import type { LoadLedger, PoolWork } from './load-ledger.ts';
import type { PlaceableNode } from './place.ts';
import type { PoolContainer, PoolState, Role, StartFailures } from './pool-state.ts';
import { type SettingsOverride, settingsOf } from './settings.ts';

/** Everything that is known, read from memory. */
export interface Fleet {
  readonly live: () => Iterable<control.LiveApp>;
  readonly placements: () => Iterable<autoscaler.Placement>;
  readonly containerOf: (containerId: string) => nodeAgent.Container | undefined;
  readonly nodes: () => Iterable<nodeAgent.Node>;
  readonly ledger: LoadLedger;
  /** Values of its parameters that a deployed class was asked for lately. */
  readonly boundTo: (basePoolId: string) => Iterable<Buffer>;
  readonly failuresOf: (poolId: string) => StartFailures;
  readonly overrideOf: (functionId: string) => SettingsOverride;
  readonly platformMax: number;
  /** Since when reports of routers could have been heard without a gap: before that nothing is known to be idle. */
  readonly listeningSinceMs: number;
}

/** A pool with what it was made from. */
export interface PoolView {
  readonly spec: control.PoolSpec;
  readonly state: PoolState;
}

const NO_FAILURES: StartFailures = { count: 0, lastMs: 0 };
/** A few reports of every router must have come before anything is taken for idle. */
const SETTLE_MS = 3_000;
/** Connections without a limit of their own, and a margin for others. */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** All pools that are deployed or still have containers. */
export function poolsOf(fleet: Fleet, nowMs: number): PoolView[] {
  const placements = Map.groupBy(fleet.placements(), (placement) => placement.pool?.poolId ?? '');
  const knownSinceMs = fleet.ledger.knownSinceMs(fleet.listeningSinceMs, nowMs);
  const presentIn = (poolId: string): PoolContainer[] => {
    const [first] = placements.get(poolId) ?? [];
    const work = first?.pool ? workOf(fleet, first.pool, nowMs) : undefined;
    const notBeforeMs = knownSinceMs ?? nowMs;
    return (placements.get(poolId) ?? []).flatMap((placement) =>
      containerOf({ fleet, placement, work, notBeforeMs, nowMs }),
    );
  };
  const all = new Map<string, PoolContainer[]>();
  const present = (poolId: string): PoolContainer[] => {
    const known = all.get(poolId) ?? presentIn(poolId);
    all.set(poolId, known);
    return known;
  };
  const withContainers = Map.groupBy(
    [...placements.values()].flatMap(([first]) => (first?.pool?.serializedParams.length ? [first.pool] : [])),
    ({ poolId }) => basePoolIdOf(poolId),
  );
  const known = (basePoolId: string): Buffer[] => [
    ...fleet.boundTo(basePoolId),
    ...(withContainers.get(basePoolId) ?? []).map(({ serializedParams }) => serializedParams),
  ];
  const roles = rolesOf(fleet.live(), known, present);
  for (const [poolId, [placement]] of placements) {
    if (roles.has(poolId) || !placement?.pool) continue;
    roles.set(poolId, { spec: placement.pool, role: { kind: 'unwanted', why: 'no deployed version wants it' } });
  }
  return [...roles.values()].map(({ spec, role }) => {
    const { inFlight, queued, recentPeak } = workOf(fleet, spec, nowMs);
    const settings = settingsOf(spec, fleet.overrideOf(spec.functionId), fleet.platformMax);
    const isLoadKnown = knownSinceMs !== undefined && nowMs - knownSinceMs >= SETTLE_MS;
    const failures = role.kind === 'unwanted' ? NO_FAILURES : fleet.failuresOf(spec.poolId);
    const containers = present(spec.poolId);
    return {
      spec,
      state: { poolId: spec.poolId, role, settings, containers, inFlight, queued, recentPeak, isLoadKnown, failures },
    };
  });
}

/** Nodes that may get containers, with what those on them have asked for. */
export function nodesOf(fleet: Fleet, nowMs: number): PlaceableNode[] {
  const byNode = Map.groupBy(fleet.placements(), ({ nodeId }) => nodeId);
  return [...fleet.nodes()]
    .filter((node) => !node.draining && node.leaseUntil * 1000 >= nowMs)
    .map(({ nodeId, cpuMillis, memoryBytes }) => {
      const demands = (byNode.get(nodeId) ?? []).flatMap(({ pool }) => (pool ? [demandOf(pool)] : []));
      const usedCpuMillis = demands.reduce((sum, demand) => sum + demand.cpuMillis, 0);
      const usedMemoryBytes = demands.reduce((sum, demand) => sum + demand.memoryBytes, 0);
      return { nodeId, cpuMillis, memoryBytes: Number(memoryBytes), usedCpuMillis, usedMemoryBytes };
    });
}

function workOf(fleet: Fleet, spec: control.PoolSpec, nowMs: number): PoolWork {
  const { scaledownWindowMs } = settingsOf(spec, fleet.overrideOf(spec.functionId), fleet.platformMax);
  const longestMs = spec.isServer ? DAY_MS : spec.timeoutMs + HOUR_MS;
  return fleet.ledger.of(spec.poolId, { windowMs: scaledownWindowMs, longestMs }, nowMs);
}

type SpecAndRole = { spec: control.PoolSpec; role: Role };

function rolesOf(
  apps: Iterable<control.LiveApp>,
  known: (basePoolId: string) => Iterable<Buffer>,
  present: (poolId: string) => PoolContainer[],
): Map<string, SpecAndRole> {
  const roles = new Map<string, SpecAndRole>();
  for (const app of apps) {
    const setsOf = setsInApp([...app.pools, ...app.previousPools], known);
    const [pools, previousPools] = [expandPools(app.pools, setsOf), expandPools(app.previousPools, setsOf)];
    if (app.state !== control.AppState.RUNNING) {
      for (const spec of [...pools, ...previousPools])
        roles.set(spec.poolId, { spec, role: { kind: 'unwanted', why: 'the app is stopped' } });
      continue;
    }
    for (const spec of previousPools) roles.set(spec.poolId, { spec, role: previousRole(spec, pools, present) });
    for (const spec of pools) roles.set(spec.poolId, { spec, role: currentRole(spec, previousPools, present) });
  }
  return roles;
}

function currentRole(
  spec: control.PoolSpec,
  previous: readonly control.PoolSpec[],
  present: (id: string) => PoolContainer[],
): Role {
  const before = previous.filter((other) => servesTheSame(other, spec) && other.poolId !== spec.poolId);
  const containers = before.flatMap(({ poolId }) => present(poolId)).filter(({ state }) => state !== 'draining');
  const busy = containers.filter(({ inFlight }) => inFlight > 0).length;
  return { kind: 'current', predecessor: before.length > 0 ? { alive: containers.length, busy } : undefined };
}

function previousRole(
  spec: control.PoolSpec,
  current: readonly control.PoolSpec[],
  present: (id: string) => PoolContainer[],
): Role {
  const successor = current.find((other) => servesTheSame(other, spec));
  if (!successor) return { kind: 'unwanted', why: 'the new version has no such function' };
  return { kind: 'previous', isSuccessorReady: present(successor.poolId).some(({ state }) => state === 'ready') };
}

interface ContainerFacts {
  readonly fleet: Fleet;
  readonly placement: autoscaler.Placement;
  readonly work: PoolWork | undefined;
  /** Nothing is known to be idle before then. */
  readonly notBeforeMs: number;
  readonly nowMs: number;
}

function containerOf({ fleet, placement, work, notBeforeMs, nowMs }: ContainerFacts): PoolContainer[] {
  const { containerId, desired, enqueuedAt } = placement;
  const report = fleet.containerOf(containerId);
  const state = stateOf(desired, report);
  if (state === undefined) return [];
  const inFlight = work?.isMiscounted ? 0 : fleet.ledger.inFlightOf(containerId, nowMs);
  const seenBusyMs = work?.isMiscounted ? work.lastBegunMs : (fleet.ledger.lastBusyMs(containerId) ?? 0);
  const sinceMs = Math.max((report?.readyAt || enqueuedAt) * 1000, notBeforeMs);
  return [{ containerId, state, inFlight, lastBusyMs: Math.max(seenBusyMs, sinceMs) }];
}

function stateOf(
  desired: autoscaler.Desired,
  report: nodeAgent.Container | undefined,
): PoolContainer['state'] | undefined {
  const { EXITED, DRAINING, READY } = nodeAgent.ContainerState;
  if (report?.state === EXITED) return undefined;
  if (desired === autoscaler.Desired.DRAIN || report?.state === DRAINING) return 'draining';
  return report?.state === READY ? 'ready' : 'starting';
}
