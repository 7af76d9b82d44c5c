import { autoscaler, type control, nodeAgent } from '@portico/contracts';
import { newContainerId } from '@portico/ids';
import type { Bucket, View } from '@portico/messaging';
import { type Logger, recordSpan } from '@portico/telemetry';
import { decide } from './domain/decide.ts';
import { type Fleet, type PoolView, poolsOf } from './domain/fleet.ts';
import type { LoadLedger } from './domain/load-ledger.ts';
import { type PlaceableNode, place } from './domain/place.ts';
import type { Decision } from './domain/pool-state.ts';
import type { SettingsOverride } from './domain/settings.ts';
import { createFailureCounter, type FailureCounter } from './domain/start-failures.ts';

/** What the scaler reads and writes. */
export interface ScalerNeeds {
  readonly live: View<control.LiveApp>;
  readonly placements: View<autoscaler.Placement>;
  readonly containers: View<nodeAgent.Container>;
  readonly nodes: View<nodeAgent.Node>;
  readonly store: Bucket<autoscaler.Placement>;
  readonly ledger: LoadLedger;
  readonly failures: FailureCounter;
  readonly overrides: Map<string, SettingsOverride>;
  readonly platformMax: number;
  readonly log: Logger;
}

/** Carries decisions out, one round at a time. */
export interface Scaler {
  /** Something changed: a round follows at once. `traceparent` names the request that caused it. */
  nudge(poolId?: string, traceparent?: string): void;
  stop(containerId: string, why: string, isNow: boolean): Promise<boolean>;
  describe(): { view: PoolView; decision: Decision }[];
}

export { createFailureCounter };

export function createScaler(needs: ScalerNeeds): Scaler {
  const traces = new Map<string, { traceparent: string; atMs: number }>();
  const fleet: Fleet = {
    live: () => values(needs.live),
    placements: () => values(needs.placements),
    containerOf: needs.containers.get,
    ledger: needs.ledger,
    failuresOf: needs.failures.of,
    overrideOf: (functionId) => needs.overrides.get(functionId) ?? {},
    platformMax: needs.platformMax,
    startedMs: Date.now(),
  };
  let round: Promise<void> | undefined;
  let isDirty = false;
  const run = async (): Promise<void> => {
    while (isDirty) {
      isDirty = false;
      await oneRound(needs, fleet, traces).catch((error: unknown) => needs.log.error({ err: error }, 'A scaling round failed'));
    }
    round = undefined;
  };
  return {
    nudge(poolId, traceparent) {
      if (poolId && traceparent) traces.set(poolId, { traceparent, atMs: Date.now() });
      isDirty = true;
      round ??= run();
    },
    stop: (containerId, why, isNow) => stopContainer(needs, containerId, why, isNow),
    describe: () => poolsOf(fleet, Date.now()).map((view) => ({ view, decision: decide(view.state, Date.now()) })),
  };
}

function* values<T>(view: View<T>): Generator<T> {
  for (const [, value] of view.entries()) yield value;
}

async function oneRound(needs: ScalerNeeds, fleet: Fleet, traces: Map<string, { traceparent: string; atMs: number }>): Promise<void> {
  const nowMs = Date.now();
  await forgetGone(needs, nowMs);
  for (const { spec, state } of poolsOf(fleet, nowMs)) {
    const decision = decide(state, nowMs);
    for (const id of decision.drain) await stopContainer(needs, id, decision.reason, false);
    for (let i = 0; i < decision.start; i++) {
      const trace = i === 0 ? traces.get(spec.poolId) : undefined;
      traces.delete(spec.poolId);
      if (!(await startContainer(needs, spec, decision, trace))) break;
    }
  }
}

/** Placements whose container has ended, or whose node is dead, are over. */
async function forgetGone({ placements, containers, nodes, store, ledger, log }: ScalerNeeds, nowMs: number): Promise<void> {
  for (const [key, placement] of placements.entries()) {
    const hasExited = containers.get(placement.containerId)?.state === nodeAgent.ContainerState.EXITED;
    const node = nodes.get(placement.nodeId);
    const isLost = node !== undefined && node.leaseUntil * 1000 < nowMs;
    if (!hasExited && !isLost) continue;
    if (isLost) log.warn({ container: placement.containerId, node: placement.nodeId }, 'The node is gone; its container is replaced elsewhere');
    await store.delete(key);
    await gone(placements, key);
    ledger.forget(placement.containerId);
  }
}

async function gone(view: View<autoscaler.Placement>, key: string): Promise<void> {
  await view.until(() => (view.get(key) === undefined ? true : undefined), AbortSignal.timeout(5_000));
}

async function startContainer(
  needs: ScalerNeeds,
  pool: control.PoolSpec,
  decision: Decision,
  trace: { traceparent: string; atMs: number } | undefined,
): Promise<boolean> {
  const nowMs = Date.now();
  const demand = demandOf(pool);
  const nodeId = place(placeableNodes(needs, nowMs), demand);
  if (!nodeId) {
    needs.log.warn({ pool: pool.poolId, demand }, 'No node has room for another container');
    return false;
  }
  const containerId = newContainerId(nowMs);
  const traceparent = trace
    ? recordSpan('autoscaler.place', { startMs: trace.atMs, endMs: nowMs }, {
        traceparent: trace.traceparent,
        attributes: { 'pool.id': pool.poolId, 'container.id': containerId, 'node.id': nodeId },
      })
    : '';
  const key = `${nodeId}.${containerId}`;
  const { RUN } = autoscaler.Desired;
  await needs.store.create(key, { containerId, nodeId, desired: RUN, pool, enqueuedAt: nowMs / 1000, traceparent, stopReason: '', stopNow: false });
  await needs.placements.until(() => needs.placements.get(key), AbortSignal.timeout(5_000));
  needs.log.info({ container: containerId, pool: pool.poolId, node: nodeId, why: decision.reason }, `placed a container of ${pool.functionTag}`);
  return true;
}

const DEFAULT_MEMORY_BYTES = 128 * 1024 * 1024;
const DEFAULT_CPU_MILLIS = 125;

function demandOf({ resources }: control.PoolSpec): { cpuMillis: number; memoryBytes: number } {
  return {
    cpuMillis: resources?.cpuMillis || DEFAULT_CPU_MILLIS,
    memoryBytes: Number(resources?.memoryBytes ?? 0n) || DEFAULT_MEMORY_BYTES,
  };
}

function placeableNodes({ nodes, placements }: ScalerNeeds, nowMs: number): PlaceableNode[] {
  const used = Map.groupBy(values(placements), ({ nodeId }) => nodeId);
  return [...values(nodes)]
    .filter((node) => !node.draining && node.leaseUntil * 1000 >= nowMs)
    .map(({ nodeId, cpuMillis, memoryBytes }) => {
      const demands = (used.get(nodeId) ?? []).flatMap(({ pool }) => (pool ? [demandOf(pool)] : []));
      return {
        nodeId,
        cpuMillis,
        memoryBytes: Number(memoryBytes),
        usedCpuMillis: demands.reduce((sum, demand) => sum + demand.cpuMillis, 0),
        usedMemoryBytes: demands.reduce((sum, demand) => sum + demand.memoryBytes, 0),
      };
    });
}

async function stopContainer({ placements, store, log }: ScalerNeeds, containerId: string, why: string, isNow: boolean): Promise<boolean> {
  const found = [...placements.entries()].find(([, placement]) => placement.containerId === containerId);
  if (!found) return false;
  const [key] = found;
  const changed = await store.modify(key, (placement) => {
    if (!placement || (placement.desired === autoscaler.Desired.DRAIN && (placement.stopNow || !isNow))) return undefined;
    return { ...placement, desired: autoscaler.Desired.DRAIN, stopReason: why, stopNow: isNow };
  });
  await placements.until(
    () => (placements.get(key)?.desired !== autoscaler.Desired.RUN ? true : undefined),
    AbortSignal.timeout(5_000),
  );
  log.info({ container: containerId, why }, isNow ? 'stopping a container at once' : 'draining a container');
  return changed !== undefined;
}
