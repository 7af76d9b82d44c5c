import { control } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { appById, appStateOf, deployedApp, environmentOf, lifecycleOf, previousApp } from '../domain/apps.ts';
import { currentNameOf } from '../domain/environments.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';
import { layoutOf } from './layout.ts';

const { INITIALIZING, DEPLOYED, STOPPED } = control.AppPhase;

/** Finding apps and looking at them. */
export function appDirectoryHandlers(state: State): ModalHandlers {
  return {
    appGetByDeploymentName({ name, environmentName }) {
      const environment = environmentOf(state, environmentName);
      const app = deployedApp(state, name, environment.name);
      const previous = app ?? previousApp(state, name, environment.name);
      return modal.AppGetByDeploymentNameResponse.create({
        appId: app?.appId ?? '',
        previousAppId: app ? '' : (previous?.appId ?? ''),
        environmentName: currentNameOf(environment),
        lifecycle: previous && lifecycleOf(previous),
      });
    },
    appGetLayout: ({ appId }) =>
      modal.AppGetLayoutResponse.create({ appLayout: layoutOf(state, appById(state, appId)) }),
    appGetLifecycle: ({ appId }) =>
      modal.AppGetLifecycleResponse.create({ lifecycle: lifecycleOf(appById(state, appId)) }),
    appList: ({ environmentName }) => listApps(state, environmentOf(state, environmentName).name),
    appGetTags: ({ appId }) => modal.AppGetTagsResponse.create({ tags: appById(state, appId).tags }),
  };
}

/** Stopped apps are listed for a day. */
const LISTED_SECONDS = 86_400;

function listApps(state: State, environmentName: string): modal.AppListResponse {
  const apps = state.apps
    .values()
    .filter((app) => app.environmentName === environmentName && app.phase !== INITIALIZING)
    .filter((app) => app.phase !== STOPPED || state.now() - app.stoppedAt < LISTED_SECONDS)
    .sort((a, b) => b.createdAt - a.createdAt)
    .map((app) =>
      modal.AppListResponse_AppListItem.create({
        appId: app.appId,
        description: app.name,
        name: app.phase === DEPLOYED ? app.name : '',
        state: appStateOf(app),
        createdAt: app.createdAt,
        stoppedAt: app.stoppedAt,
        nRunningTasks: [...state.placements.entries()].filter(([, placement]) => placement.pool?.appId === app.appId)
          .length,
      }),
    );
  return modal.AppListResponse.create({ apps });
}

/** Where people look at an app; the dashboard is to come, so for now the API's own port says what it is. */
export function pageOf(state: State, app: control.App): string {
  return `http://localhost:${state.config.apiPort}/apps/${app.appId}`;
}
