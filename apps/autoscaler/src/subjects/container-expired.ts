import { type autoscaler, subjects } from '@portico/contracts';
import { type Nats, subscribe, type View } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import type { PlacementWriter } from '../adapters/placement-writer.ts';

/**
 * A request ran into its timeout, so its container is stuck, at least in part. It is killed if that
 * was all it may do at once; else its other requests may end first. Its pool replaces it either way.
 */
export function listenToExpiry(
  nats: Nats,
  placements: View<autoscaler.Placement>,
  writer: PlacementWriter,
  log: Logger,
): AsyncDisposable {
  const isShared = (containerId: string): boolean => {
    for (const [, placement] of placements.entries()) {
      if (placement.containerId === containerId) return (placement.pool?.maxConcurrentInputs ?? 1) > 1;
    }
    return false;
  };
  return subscribe(
    nats,
    subjects.containerExpired,
    ({ reason }, containerId) => {
      writer
        .stop(containerId, reason || 'a request ran into its timeout', !isShared(containerId))
        .catch((error: unknown) => {
          log.error({ err: error, container: containerId }, 'An expired container could not be stopped');
        });
    },
    log,
  );
}
