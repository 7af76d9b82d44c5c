import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import {
  appById,
  appStateOf,
  deployedApp,
  endsWithClient,
  environmentOf,
  lifecycleOf,
  OPERATOR,
  phaseOfState,
  previousApp,
  runningApp,
} from '../domain/apps.ts';
import { stopApp } from '../publishing/stop-app.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';
import { layoutOf } from './layout.ts';

/** Creating, finding, listing and ending apps. */
export function appLifecycleHandlers(state: State): ModalHandlers {
  return {
    appGetByDeploymentName({ name, environmentName }) {
      const environment = environmentOf(state, environmentName).name;
      const app = deployedApp(state, name, environment);
      const previous = app ?? previousApp(state, name, environment);
      return modal.AppGetByDeploymentNameResponse.create({
        appId: app?.appId ?? '',
        previousAppId: app ? '' : (previous?.appId ?? ''),
        environmentName: environment,
        lifecycle: previous && lifecycleOf(previous),
      });
    },
    async appCreate({ description, environmentName, appState, tags }) {
      const app = await createApp(state, description, environmentName, phaseOfState(appState), tags);
      return modal.AppCreateResponse.create({
        appId: app.appId,
        appPageUrl: pageOf(state, app),
        appLogsUrl: pageOf(state, app),
      });
    },
    async appGetOrCreate({ appName, environmentName, objectCreationType }) {
      const environment = environmentOf(state, environmentName).name;
      const known = deployedApp(state, appName, environment);
      if (known) return modal.AppGetOrCreateResponse.create({ appId: known.appId });
      if (objectCreationType === modal.ObjectCreationType.OBJECT_CREATION_TYPE_UNSPECIFIED)
        throw noApp(appName, environment);
      return modal.AppGetOrCreateResponse.create({ appId: await createNamed(state, appName, environment) });
    },
    appGetLayout: ({ appId }) =>
      modal.AppGetLayoutResponse.create({ appLayout: layoutOf(state, appById(state, appId)) }),
    appGetLifecycle: ({ appId }) =>
      modal.AppGetLifecycleResponse.create({ lifecycle: lifecycleOf(appById(state, appId)) }),
    appHeartbeat({ appId }) {
      runningApp(state, appId);
      state.heartbeats.set(appId, Date.now());
      return {};
    },
    async appClientDisconnect({ appId }) {
      const app = appById(state, appId);
      if (endsWithClient(app)) await stopApp(state, app, OPERATOR);
      return {};
    },
    async appStop({ appId }) {
      await stopApp(state, runningApp(state, appId), OPERATOR);
      return {};
    },
    appList: ({ environmentName }) => listApps(state, environmentOf(state, environmentName).name),
    async appSetTags({ appId, tags }) {
      await state.apps.modify(appId, (app) => app && { ...app, tags });
      return {};
    },
    appGetTags: ({ appId }) => modal.AppGetTagsResponse.create({ tags: appById(state, appId).tags }),
  };
}

function noApp(name: string, environment: string): DomainError {
  return new DomainError(
    'not-found',
    'app.not_found',
    `There is no app "${name}" in the environment "${environment}": deploy it first.`,
  );
}

/** A new app under a name; of two that come at once one wins, and both get its id. */
async function createNamed(state: State, name: string, environmentName: string): Promise<string> {
  const app = await createApp(state, name, environmentName, control.AppPhase.INITIALIZING, new Map());
  let winner = app.appId;
  await state.appNames.modify(`${environmentName}/${name}`, (now) => {
    winner = now && state.apps.get(now.appId)?.phase !== control.AppPhase.STOPPED ? now.appId : app.appId;
    return winner === app.appId ? { appId: app.appId } : undefined;
  });
  if (winner === app.appId)
    await state.apps.modify(app.appId, (now) => now && { ...now, phase: control.AppPhase.DEPLOYED });
  else await state.apps.delete(app.appId);
  return winner;
}

async function createApp(
  state: State,
  name: string,
  environmentName: string,
  phase: control.AppPhase,
  tags: Map<string, string>,
): Promise<control.App> {
  const app = control.App.create({
    appId: newId('app'),
    name,
    environmentName: environmentOf(state, environmentName).name,
    phase,
    createdAt: state.now(),
    createdBy: OPERATOR,
    tags,
  });
  await state.apps.create(app.appId, app);
  state.heartbeats.set(app.appId, Date.now());
  return app;
}

/** Stopped apps are listed for a day. */
const LISTED_SECONDS = 86_400;

function listApps(state: State, environmentName: string): modal.AppListResponse {
  const { STOPPED, INITIALIZING } = control.AppPhase;
  const apps = state.apps
    .values()
    .filter((app) => app.environmentName === environmentName && app.phase !== INITIALIZING)
    .filter((app) => app.phase !== STOPPED || state.now() - app.stoppedAt < LISTED_SECONDS)
    .sort((a, b) => b.createdAt - a.createdAt)
    .map((app) =>
      modal.AppListResponse_AppListItem.create({
        appId: app.appId,
        description: app.name,
        name: app.phase === control.AppPhase.DEPLOYED ? app.name : '',
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
