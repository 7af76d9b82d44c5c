import { autoscaler, type control, type nodeAgent } from '@portico/contracts';
import type { View } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import type { Cause, PlacementWriter } from './adapters/placement-writer.ts';
import type { BoundPools } from './domain/bound-pools.ts';
import { type Fleet, nodesOf, type PoolView, poolsOf } from './domain/fleet.ts';
import type { LoadLedger } from './domain/load-ledger.ts';
import { verdictOf } from './domain/over.ts';
import { type Plan, plan } from './domain/plan.ts';
import type { Decision } from './domain/pool-state.ts';
import type { Overrides } from './domain/settings.ts';
import type { FailureCounter } from './domain/start-failures.ts';

/** What the scaler reads and writes. */
export interface ScalerNeeds {
  readonly live: View<control.LiveApp>;
  readonly placements: View<autoscaler.Placement>;
  readonly containers: View<nodeAgent.Container>;
  readonly nodes: View<nodeAgent.Node>;
  readonly writer: PlacementWriter;
  readonly ledger: LoadLedger;
  readonly bound: BoundPools;
  readonly failures: FailureCounter;
  readonly overrides: Overrides;
  readonly platformMax: number;
  /** Since when NATS can be reached; undefined while it is away. */
  readonly reachableSinceMs: () => number | undefined;
  readonly log: Logger;
}

/** Carries decisions out, one round at a time. */
export interface Scaler extends AsyncDisposable {
  /** Something changed: a round follows at once. */
  nudge(): void;
  /** Requests wait for a pool; the trace names the first of them. */
  wake(poolId: string, traceparent: string): void;
  describe(): { view: PoolView; decision: Decision }[];
}

/** What a scaler remembers from one round to the next. */
interface Memory {
  readonly causes: Map<string, Cause>;
  readonly drainingSinceMs: Map<string, number>;
  /** Pools that found no place, with the reason that was logged. */
  unplaced: ReadonlyMap<string, string>;
}

/** A trace older than this is not why a container starts now. */
const CAUSE_MS = 10_000;

export function createScaler(needs: ScalerNeeds): Scaler {
  const memory: Memory = { causes: new Map(), drainingSinceMs: new Map(), unplaced: new Map() };
  let round: Promise<void> | undefined;
  let [isDirty, isClosed] = [false, false];
  const run = async (): Promise<void> => {
    // What changes in one go is looked at once.
    await Promise.resolve();
    while (isDirty && !isClosed) {
      isDirty = false;
      const sinceMs = needs.reachableSinceMs();
      if (sinceMs === undefined) break;
      const log = (error: unknown): void => needs.log.error({ err: error }, 'A scaling round failed');
      await oneRound(needs, memory, sinceMs).catch(log);
    }
    round = undefined;
  };
  const nudge = (): void => {
    isDirty = true;
    round ??= run();
  };
  return {
    nudge,
    wake(poolId, traceparent) {
      if (traceparent) memory.causes.set(poolId, { traceparent, atMs: Date.now() });
      nudge();
    },
    describe() {
      const { views, decided } = planOf(needs, needs.reachableSinceMs() ?? Date.now(), Date.now());
      return views.flatMap((view) => {
        const decision = decided.decisions.get(view.spec.poolId);
        return decision ? [{ view, decision }] : [];
      });
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await round;
    },
  };
}

function planOf(needs: ScalerNeeds, listeningSinceMs: number, nowMs: number): { views: PoolView[]; decided: Plan } {
  const fleet: Fleet = {
    live: () => values(needs.live),
    placements: () => values(needs.placements),
    containerOf: needs.containers.get,
    nodes: () => values(needs.nodes),
    ledger: needs.ledger,
    boundTo: needs.bound.of,
    failuresOf: needs.failures.of,
    overrideOf: needs.overrides.of,
    platformMax: needs.platformMax,
    listeningSinceMs,
  };
  const views = poolsOf(fleet, nowMs);
  return { views, decided: plan(views, nodesOf(fleet, nowMs), nowMs) };
}

function* values<T>(view: View<T>): Generator<T> {
  for (const [, value] of view.entries()) yield value;
}

async function oneRound(needs: ScalerNeeds, memory: Memory, listeningSinceMs: number): Promise<void> {
  await clearPlacements(needs, memory, listeningSinceMs, Date.now());
  const { views, decided } = planOf(needs, listeningSinceMs, Date.now());
  const { causes } = memory;
  const writes = [
    ...decided.starts.map((start) => {
      const cause = causes.get(start.spec.poolId);
      causes.delete(start.spec.poolId);
      return needs.writer.start(start, cause && Date.now() - cause.atMs < CAUSE_MS ? cause : undefined);
    }),
    ...decided.stops.map(({ containerId, why }) => needs.writer.stop(containerId, why, false)),
  ];
  await settle(writes, needs.log);
  logUnplaced(decided.unplaced, memory, needs.log);
  const poolIds = new Set(views.map(({ spec }) => spec.poolId));
  for (const [poolId, { atMs }] of causes) if (Date.now() - atMs >= CAUSE_MS) causes.delete(poolId);
  needs.bound.sweep(Date.now());
  needs.ledger.keepOnly(poolIds, Date.now());
  needs.failures.keepOnly(poolIds);
}

/** Placements that are over go; what does not end although it should is killed. */
async function clearPlacements(
  needs: ScalerNeeds,
  memory: Memory,
  listeningSinceMs: number,
  nowMs: number,
): Promise<void> {
  const { drainingSinceMs } = memory;
  const writes: Promise<unknown>[] = [];
  for (const placement of values(needs.placements)) {
    const { containerId, nodeId } = placement;
    if (placement.desired === autoscaler.Desired.DRAIN && !drainingSinceMs.has(containerId))
      drainingSinceMs.set(containerId, nowMs);
    const verdict = verdictOf(
      {
        placement,
        report: needs.containers.get(containerId),
        node: needs.nodes.get(nodeId),
        drainingSinceMs: drainingSinceMs.get(containerId),
        listeningSinceMs,
      },
      nowMs,
    );
    if (verdict.do === 'kill') writes.push(needs.writer.stop(containerId, 'it did not end within its limit', true));
    if (verdict.do !== 'remove') continue;
    if (verdict.isLost)
      needs.log.warn({ container: containerId, node: nodeId }, 'The node is gone; its container is replaced elsewhere');
    drainingSinceMs.delete(containerId);
    needs.ledger.forget(containerId);
    writes.push(needs.writer.remove(containerId));
  }
  await settle(writes, needs.log);
}

/** All writes end before the next round looks, or it would do them twice. */
async function settle(writes: readonly Promise<unknown>[], log: Logger): Promise<void> {
  for (const result of await Promise.allSettled(writes)) {
    if (result.status === 'rejected') log.error({ err: result.reason as unknown }, 'A placement could not be written');
  }
}

/** Said once for each pool and reason, not in every round. */
function logUnplaced(unplaced: ReadonlyMap<string, string>, memory: Memory, log: Logger): void {
  for (const [pool, why] of unplaced)
    if (memory.unplaced.get(pool) !== why) log.warn({ pool, why }, 'A container has no place');
  memory.unplaced = unplaced;
}
