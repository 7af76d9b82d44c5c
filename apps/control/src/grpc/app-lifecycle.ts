import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { CallContext } from '@portico/grpc';
import { modal } from '@portico/modal-protocol';
import { createApp, createNamed } from '../app-names.ts';
import {
  appById,
  deployedApp,
  endsWithClient,
  environmentOf,
  OPERATOR,
  phaseOfState,
  runningApp,
} from '../domain/apps.ts';
import { stopApp } from '../publishing/stop-app.ts';
import type { State } from '../state.ts';
import { pageOf } from './app-directory.ts';
import { ownAppOf } from './door-calls.ts';
import type { ModalHandlers } from './handlers.ts';

const { INITIALIZING, DEPLOYED } = control.AppPhase;

/** Making apps, keeping them alive and ending them. */
export function appLifecycleHandlers(state: State): ModalHandlers {
  return {
    async appCreate({ description, environmentName, appState, tags }, call) {
      const { name } = environmentOf(state, environmentName);
      const wanted = { name: description, environmentName: name, tags, createdBy: creatorOf(state, call) };
      const phase = phaseOfState(appState);
      const isDeploy = appState === modal.AppState.APP_STATE_INITIALIZING;
      const app = isDeploy ? await createNamed(state, wanted, phase) : await createApp(state, wanted, phase);
      if (isDeploy && app.phase === INITIALIZING) state.clients.set(app.appId, (state.clients.get(app.appId) ?? 0) + 1);
      return modal.AppCreateResponse.create({
        appId: app.appId,
        appPageUrl: pageOf(state, app),
        appLogsUrl: pageOf(state, app),
      });
    },
    async appGetOrCreate({ appName, environmentName, objectCreationType }, call) {
      const environment = environmentOf(state, environmentName).name;
      const known = deployedApp(state, appName, environment);
      if (known) return modal.AppGetOrCreateResponse.create({ appId: known.appId });
      if (objectCreationType === modal.ObjectCreationType.OBJECT_CREATION_TYPE_UNSPECIFIED)
        throw noApp(appName, environmentName || environment);
      const wanted = {
        name: appName,
        environmentName: environment,
        tags: new Map(),
        createdBy: creatorOf(state, call),
      };
      return modal.AppGetOrCreateResponse.create({ appId: (await createNamed(state, wanted, DEPLOYED)).appId });
    },
    appHeartbeat({ appId }) {
      runningApp(state, appId);
      state.heartbeats.set(appId, Date.now());
      return {};
    },
    async appClientDisconnect({ appId }) {
      appById(state, appId);
      const others = (state.clients.get(appId) ?? 1) - 1;
      if (others > 0) state.clients.set(appId, others);
      else await stopApp(state, appId, OPERATOR, endsWithClient);
      return {};
    },
    async appStop({ appId }) {
      runningApp(state, appId);
      await stopApp(state, appId, OPERATOR);
      return {};
    },
    async appSetTags({ appId, tags }) {
      appById(state, appId);
      await state.apps.modify(appId, (app) => app && { ...app, tags });
      return {};
    },
  };
}

function noApp(name: string, environment: string): DomainError {
  return new DomainError(
    'not-found',
    'app.not_found',
    `There is no app "${name}" in the environment "${environment}": deploy it first.`,
  );
}

/** An app that a container makes is noted as its app's: that one may go on with it. */
function creatorOf(state: State, call: CallContext): string {
  return ownAppOf(state, call) ?? OPERATOR;
}
