import { autoscaler } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { serveAll, type ServedApi } from '@portico/grpc';
import type { SettingsOverride } from '../domain/settings.ts';
import type { Scaler } from '../scaler.ts';

export function scalerApi(scaler: Scaler, overrides: Map<string, SettingsOverride>): ServedApi {
  return serveAll(autoscaler.AutoscalerServiceService, {
    async stopContainer({ containerId, graceful, reason }) {
      if (!(await scaler.stop(containerId, reason || 'asked to stop', !graceful))) {
        throw new DomainError('not-found', 'container.not_found', `There is no running container ${containerId}.`);
      }
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
    overrideSettings(request) {
      overrides.set(request.functionId, request);
      scaler.nudge();
      return {};
    },
  });
}
