import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { modal } from '@portico/modal-protocol';
import type { State } from '../state.ts';
import { currentNameOf, findEnvironment } from './environments.ts';

const { INITIALIZING, EPHEMERAL, DETACHED, DEPLOYED, STOPPED } = control.AppPhase;

const stateOfPhase: Record<control.AppPhase, modal.AppState> = {
  [control.AppPhase.UNSPECIFIED]: modal.AppState.APP_STATE_UNSPECIFIED,
  [INITIALIZING]: modal.AppState.APP_STATE_INITIALIZING,
  [EPHEMERAL]: modal.AppState.APP_STATE_EPHEMERAL,
  [DETACHED]: modal.AppState.APP_STATE_DETACHED,
  [DEPLOYED]: modal.AppState.APP_STATE_DEPLOYED,
  [STOPPED]: modal.AppState.APP_STATE_STOPPED,
};

export const appStateOf = (app: control.App): modal.AppState => stateOfPhase[app.phase];

export function phaseOfState(state: modal.AppState): control.AppPhase {
  switch (state) {
    case modal.AppState.APP_STATE_EPHEMERAL:
      return EPHEMERAL;
    case modal.AppState.APP_STATE_DETACHED:
      return DETACHED;
    case modal.AppState.APP_STATE_DEPLOYED:
      return DEPLOYED;
    default:
      return INITIALIZING;
  }
}

/** Whether the app ends with its client. */
export const endsWithClient = (app: control.App): boolean => app.phase === INITIALIZING || app.phase === EPHEMERAL;

export function appById(state: Pick<State, 'apps'>, appId: string): control.App {
  const app = state.apps.get(appId);
  if (!app) throw new DomainError('not-found', 'app.not_found', `There is no app ${appId}.`);
  return app;
}

/** The same, but the app must not have ended. */
export function runningApp(state: Pick<State, 'apps'>, appId: string): control.App {
  const app = appById(state, appId);
  if (app.phase === STOPPED)
    throw new DomainError(
      'failed-precondition',
      'app.stopped',
      `The app ${app.name || appId} is stopped; deploy it again.`,
    );
  return app;
}

/** The app that is deployed under a name now. */
export function deployedApp(
  state: Pick<State, 'apps'>,
  name: string,
  environmentName: string,
): control.App | undefined {
  return state.apps
    .values()
    .find((app) => app.phase === DEPLOYED && app.name === name && app.environmentName === environmentName);
}

/** The app of a name that was stopped last, for commands that look back. */
export function previousApp(
  state: Pick<State, 'apps'>,
  name: string,
  environmentName: string,
): control.App | undefined {
  return state.apps
    .values()
    .filter(
      (app) => app.phase === STOPPED && app.version > 0 && app.name === name && app.environmentName === environmentName,
    )
    .sort((a, b) => b.stoppedAt - a.stoppedAt)[0];
}

export function lifecycleOf(app: control.App): modal.AppLifecycle {
  return modal.AppLifecycle.create({
    appState: appStateOf(app),
    createdAt: app.createdAt,
    createdBy: app.createdBy,
    deployedAt: app.deployedAt,
    deployedBy: app.deployedBy,
    version: app.version,
    stoppedAt: app.stoppedAt,
    stoppedBy: app.stoppedBy,
  });
}

/** The environment of a request, by what users call it: an empty name means the default one. */
export function environmentOf(state: Pick<State, 'environments'>, name: string): control.Environment {
  const all = state.environments.values();
  const found = name ? findEnvironment(all, name) : all.find((environment) => environment.isDefault);
  if (!found)
    throw new DomainError(
      'not-found',
      'environment.not_found',
      `There is no environment "${name}": create it with "modal environment create ${name}".`,
    );
  return found;
}

/** The environment that a record of ours belongs to. */
export function environmentOfRecord(
  state: Pick<State, 'environments'>,
  { environmentName }: { readonly environmentName: string },
): control.Environment {
  const found = state.environments.get(environmentName);
  if (!found)
    throw new DomainError('not-found', 'environment.not_found', `The environment "${environmentName}" is gone.`);
  return found;
}

/** What users call the environment of a record of ours; one that is gone keeps its name. */
export function environmentTitleOf(
  state: Pick<State, 'environments'>,
  { environmentName }: { readonly environmentName: string },
): string {
  const found = state.environments.get(environmentName);
  return found ? currentNameOf(found) : environmentName;
}

/** Who calls, for histories: the name of the token. */
export const OPERATOR = 'operator';
