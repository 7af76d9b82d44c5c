import { autoscaler, type control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { type ServedApi, serveAll } from '@portico/grpc';
import type { View } from '@portico/messaging';
import type { PlacementWriter } from '../adapters/placement-writer.ts';
import type { Overrides } from '../domain/settings.ts';
import type { Scaler } from '../scaler.ts';

export interface ScalerApiNeeds {
  readonly scaler: Scaler;
  readonly writer: PlacementWriter;
  readonly overrides: Overrides;
  readonly live: View<control.LiveApp>;
}

/** The gRPC door of the autoscaler; only services of the platform can reach its socket. */
export function scalerApi({ scaler, writer, overrides, live }: ScalerApiNeeds): ServedApi {
  return serveAll(autoscaler.AutoscalerServiceService, {
    async stopContainer({ containerId, graceful, reason }) {
      if (!(await writer.stop(containerId, reason || 'asked to stop', !graceful))) {
        throw new DomainError('not-found', 'container.not_found', `There is no running container ${containerId}.`);
      }
      scaler.nudge();
      return {};
    },
    describePools: () => ({
      pools: scaler.describe().map(({ view: { spec, state }, decision }) => ({
        poolId: spec.poolId,
        appId: spec.appId,
        functionTag: spec.functionTag,
        wanted: decision.wanted,
        starting: state.containers.filter((container) => container.state === 'starting').length,
        ready: state.containers.filter((container) => container.state === 'ready').length,
        inFlight: state.inFlight,
        queued: state.queued,
        reason: decision.reason,
        failedStarts: state.failures.count,
      })),
    }),
    overrideSettings({ functionId, ...override }) {
      const isDeployed = [...live.entries()].some(([, app]) =>
        app.pools.some((pool) => pool.functionId === functionId),
      );
      if (!isDeployed)
        throw new DomainError('not-found', 'function.not_deployed', `There is no deployed function ${functionId}.`);
      overrides.change(functionId, override);
      scaler.nudge();
      return {};
    },
  });
}
