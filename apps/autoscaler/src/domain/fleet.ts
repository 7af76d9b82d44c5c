import { autoscaler, control, nodeAgent } from '@portico/contracts';
import type { LoadLedger } from './load-ledger.ts';
import type { PoolContainer, PoolState, Role, StartFailures } from './pool-state.ts';
import { type SettingsOverride, settingsOf } from './settings.ts';

/** Everything that is known, read from memory. */
export interface Fleet {
  readonly live: () => Iterable<control.LiveApp>;
  readonly placements: () => Iterable<autoscaler.Placement>;
  readonly containerOf: (containerId: string) => nodeAgent.Container | undefined;
  readonly ledger: LoadLedger;
  readonly failuresOf: (poolId: string) => StartFailures;
  readonly overrideOf: (functionId: string) => SettingsOverride;
  readonly platformMax: number;
  /** When this autoscaler came up: before that nothing is known to be idle. */
  readonly startedMs: number;
}

/** A pool with what it was made from. */
export interface PoolView {
  readonly spec: control.PoolSpec;
  readonly state: PoolState;
}

const NO_FAILURES: StartFailures = { count: 0, lastMs: 0 };

/** All pools that are deployed or still have containers. */
export function poolsOf(fleet: Fleet, nowMs: number): PoolView[] {
  const containers = Map.groupBy(fleet.placements(), (placement) => placement.pool?.poolId ?? '');
  const present = (poolId: string): PoolContainer[] =>
    (containers.get(poolId) ?? []).flatMap((placement) => containerOf(fleet, placement, nowMs));
  const roles = rolesOf(fleet.live(), present);
  for (const [poolId, [placement]] of containers) {
    if (!roles.has(poolId) && placement?.pool) {
      roles.set(poolId, { spec: placement.pool, role: { kind: 'unwanted', why: 'no deployed version wants it' } });
    }
  }
  return [...roles.values()].map(({ spec, role }) => ({
    spec,
    state: {
      poolId: spec.poolId,
      role,
      settings: settingsOf(spec, fleet.overrideOf(spec.functionId), fleet.platformMax),
      containers: present(spec.poolId),
      ...fleet.ledger.of(spec.poolId, nowMs),
      failures: role.kind === 'current' ? fleet.failuresOf(spec.poolId) : NO_FAILURES,
    },
  }));
}

type SpecAndRole = { spec: control.PoolSpec; role: Role };

function rolesOf(apps: Iterable<control.LiveApp>, present: (poolId: string) => PoolContainer[]): Map<string, SpecAndRole> {
  const roles = new Map<string, SpecAndRole>();
  for (const app of apps) {
    if (app.state !== control.AppState.RUNNING) {
      for (const spec of [...app.pools, ...app.previousPools]) roles.set(spec.poolId, { spec, role: { kind: 'unwanted', why: 'the app is stopped' } });
      continue;
    }
    for (const spec of app.previousPools) roles.set(spec.poolId, { spec, role: previousRole(spec, app.pools, present) });
    for (const spec of app.pools) roles.set(spec.poolId, { spec, role: currentRole(spec, app.previousPools, present) });
  }
  return roles;
}

function currentRole(spec: control.PoolSpec, previous: readonly control.PoolSpec[], present: (id: string) => PoolContainer[]): Role {
  const before = previous.filter(({ functionId, poolId }) => functionId === spec.functionId && poolId !== spec.poolId);
  const containers = before.flatMap(({ poolId }) => present(poolId)).filter(({ state }) => state !== 'draining');
  const busy = containers.filter(({ inFlight }) => inFlight > 0).length;
  return { kind: 'current', predecessor: before.length > 0 ? { alive: containers.length, busy } : undefined };
}

function previousRole(spec: control.PoolSpec, current: readonly control.PoolSpec[], present: (id: string) => PoolContainer[]): Role {
  const successor = current.find(({ functionId }) => functionId === spec.functionId);
  if (!successor) return { kind: 'unwanted', why: 'the new version has no such function' };
  return { kind: 'previous', isSuccessorReady: present(successor.poolId).some(({ state }) => state === 'ready') };
}

function containerOf(fleet: Fleet, placement: autoscaler.Placement, nowMs: number): PoolContainer[] {
  const { containerId, desired } = placement;
  const report = fleet.containerOf(containerId);
  const state = stateOf(desired, report);
  if (state === undefined) return [];
  const readyMs = Math.max((report?.readyAt ?? 0) * 1000, fleet.startedMs);
  const inFlight = fleet.ledger.inFlightOf(containerId, nowMs);
  return [{ containerId, state, inFlight, lastBusyMs: Math.max(fleet.ledger.lastBusyMs(containerId) ?? 0, readyMs) }];
}

function stateOf(desired: autoscaler.Desired, report: nodeAgent.Container | undefined): PoolContainer['state'] | undefined {
  const { EXITED, DRAINING, READY } = nodeAgent.ContainerState;
  if (report?.state === EXITED) return undefined;
  if (desired === autoscaler.Desired.DRAIN || report?.state === DRAINING) return 'draining';
  return report?.state === READY ? 'ready' : 'starting';
}
