import { autoscaler, type nodeAgent } from '@portico/contracts';
import { newContainerId } from '@portico/ids';
import type { Bucket, View } from '@portico/messaging';
import { type Logger, recordSpan } from '@portico/telemetry';
import type { Start } from '../domain/plan.ts';

/** The request that a container is started for. */
export interface Cause {
  readonly traceparent: string;
  readonly atMs: number;
}

/** Writes placements; each call returns when this service itself sees what it wrote. */
export interface PlacementWriter {
  start(start: Start, cause: Cause | undefined): Promise<void>;
  /** False when there is no such container. */
  stop(containerId: string, why: string, isNow: boolean): Promise<boolean>;
  remove(containerId: string): Promise<void>;
}

/** How long a write may take to come back. */
const SEEN_WITHIN_MS = 5_000;

export interface PlacementWriterNeeds {
  readonly store: Bucket<autoscaler.Placement>;
  readonly placements: View<autoscaler.Placement>;
  readonly containers: View<nodeAgent.Container>;
  readonly log: Logger;
}

export function createPlacementWriter({ store, placements, containers, log }: PlacementWriterNeeds): PlacementWriter {
  const keyOf = (containerId: string): string | undefined => {
    const reported = containers.get(containerId);
    const likely = reported && `${reported.nodeId}.${containerId}`;
    if (likely && placements.get(likely)) return likely;
    for (const [key, placement] of placements.entries()) if (placement.containerId === containerId) return key;
    return undefined;
  };
  const seen = (isThere: () => boolean): Promise<boolean> =>
    placements.until(() => isThere() || undefined, AbortSignal.timeout(SEEN_WITHIN_MS));
  return {
    async start({ spec, nodeId, why }, cause) {
      const nowMs = Date.now();
      const containerId = newContainerId(nowMs);
      const key = `${nodeId}.${containerId}`;
      const traceparent = cause ? recordPlacing(cause, { poolId: spec.poolId, containerId, nodeId }, nowMs) : '';
      await store.create(key, {
        containerId,
        nodeId,
        desired: autoscaler.Desired.RUN,
        pool: spec,
        enqueuedAt: nowMs / 1000,
        traceparent,
        stopReason: '',
        stopNow: false,
      });
      await seen(() => placements.get(key) !== undefined);
      const { poolId: pool, functionTag } = spec;
      log.info(
        { container: containerId, pool, node: nodeId, why, traceparent },
        `placed a container of ${functionTag}`,
      );
    },
    async stop(containerId, why, isNow) {
      const key = keyOf(containerId);
      if (key === undefined) return false;
      const isDone = (placement: autoscaler.Placement): boolean =>
        placement.desired === autoscaler.Desired.DRAIN && (placement.stopNow || !isNow);
      const after = await store.modify(key, (placement) =>
        !placement || isDone(placement)
          ? undefined
          : { ...placement, desired: autoscaler.Desired.DRAIN, stopReason: why, stopNow: isNow },
      );
      await seen(() => isDone(placements.get(key) ?? { ...GONE, stopNow: true }));
      log.info({ container: containerId, why }, isNow ? 'stopping a container at once' : 'draining a container');
      return after !== undefined;
    },
    async remove(containerId) {
      const key = keyOf(containerId);
      if (key === undefined) return;
      await store.delete(key);
      await seen(() => placements.get(key) === undefined);
    },
  };
}

const GONE = autoscaler.Placement.create({ desired: autoscaler.Desired.DRAIN });

/** From the wake to the decision: the part of a cold start that is the autoscaler's. */
function recordPlacing(
  { traceparent, atMs }: Cause,
  ids: { poolId: string; containerId: string; nodeId: string },
  nowMs: number,
): string {
  const attributes = { 'pool.id': ids.poolId, 'container.id': ids.containerId, 'node.id': ids.nodeId };
  return recordSpan('autoscaler.place', { startMs: atMs, endMs: nowMs }, { traceparent, attributes }) || traceparent;
}
