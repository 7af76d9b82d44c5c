import { control } from '@portico/contracts';
import { type ServedApi, serveAll } from '@portico/grpc';
import { environmentTitleOf } from '../domain/apps.ts';
import { clearLimit, setLimit, shownLimits } from '../limits.ts';
import type { State } from '../state.ts';

const phaseNames: Record<control.AppPhase, string> = {
  [control.AppPhase.UNSPECIFIED]: '',
  [control.AppPhase.INITIALIZING]: 'initializing',
  [control.AppPhase.EPHEMERAL]: 'ephemeral',
  [control.AppPhase.DETACHED]: 'detached',
  [control.AppPhase.DEPLOYED]: 'deployed',
  [control.AppPhase.STOPPED]: 'stopped',
};

/** For the operator's command. */
export function operatorApi(state: State): ServedApi {
  return serveAll(control.OperatorServiceService, {
    listApps: () => ({
      apps: state.apps.values().map((app) => ({
        appId: app.appId,
        name: app.name,
        environmentName: environmentTitleOf(state, app),
        phase: phaseNames[app.phase],
        version: app.version,
        hosts: (state.live.get(app.appId)?.routes ?? []).map(({ host }) => host),
      })),
    }),
    setLimit: async (request) => ({ limit: await setLimit(state, request) }),
    async clearLimit(request) {
      await clearLimit(state, request);
      return {};
    },
    listEnvironments: () => ({ environments: state.environments.values() }),
    listLimits: () => ({ limits: shownLimits(state) }),
  });
}
