import { randomUUID } from 'node:crypto';
import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { modal } from '@portico/modal-protocol';
import { claimName } from '../app-names.ts';
import { appById, OPERATOR, phaseOfState, runningApp } from '../domain/apps.ts';
import { type Publication, publish } from '../publishing/publish.ts';
import type { State } from '../state.ts';
import { pageOf } from './app-directory.ts';
import type { ModalHandlers } from './handlers.ts';

/** Putting versions in force, and looking back at them. */
export function publishingHandlers(state: State): ModalHandlers {
  return {
    appPublish: (request, call) =>
      state.turns.take(request.appId, () => appPublish(state, request, call.header('x-modal-client-version') ?? '')),
    appDeploymentHistory({ appId }) {
      const app = appById(state, appId);
      const versions = state.deployments
        .values()
        .filter((deployment) => deployment.appId === appId)
        .sort((a, b) => b.version - a.version);
      return modal.AppDeploymentHistoryResponse.create({
        productionAppVersion: app.version,
        appDeploymentHistories: versions.map((deployment) =>
          modal.AppDeploymentHistory.create({
            appId,
            version: deployment.version,
            clientVersion: deployment.clientVersion,
            deployedAt: deployment.deployedAt,
            deployedBy: deployment.deployedBy,
            tag: deployment.tag,
            rollbackVersion: deployment.rollbackVersion,
            rollbackAllowed: deployment.version !== app.version,
            commitInfo: deployment.commitInfo.length > 0 ? modal.CommitInfo.decode(deployment.commitInfo) : undefined,
          }),
        ),
      });
    },
    appRollback: (request) => state.turns.take(request.appId, () => appRollback(state, request)),
    appRollover: (request) => state.turns.take(request.appId, () => appRollover(state, request)),
  };
}

async function appRollback(
  state: State,
  { appId, version }: modal.AppRollbackRequest,
): Promise<modal.AppRollbackResponse> {
  const app = runningApp(state, appId);
  const wanted = version < 0 ? app.version + version : version;
  const deployment = state.deployments.get(`${appId}.${wanted}`);
  if (!deployment)
    throw new DomainError(
      'not-found',
      'app.no_version',
      `The app "${app.name}" has no version v${wanted} to go back to.`,
    );
  const deployedAt = await putInForce(state, app, deployment, wanted, '');
  return modal.AppRollbackResponse.create({ url: pageOf(state, app), deployedAt });
}

async function appRollover(state: State, { appId }: modal.AppRolloverRequest): Promise<modal.AppRolloverResponse> {
  const app = runningApp(state, appId);
  const deployment = state.deployments.get(`${appId}.${app.version}`);
  if (!deployment)
    throw new DomainError('failed-precondition', 'app.no_version', `The app "${app.name}" has no version in force.`);
  const deployedAt = await putInForce(state, app, deployment, 0, randomUUID());
  return modal.AppRolloverResponse.create({ url: pageOf(state, app), deployedAt });
}

async function appPublish(
  state: State,
  request: modal.AppPublishRequest,
  clientVersion: string,
): Promise<modal.AppPublishResponse> {
  const app = runningApp(state, request.appId);
  const { functionIds, classIds, definitionIds } = request;
  const phase = request.appState === modal.AppState.APP_STATE_UNSPECIFIED ? app.phase : phaseOfState(request.appState);
  const named = { ...app, phase, name: request.name || app.name };
  if (phase === control.AppPhase.DEPLOYED) await claimName(state, named);
  const commitInfo = request.commitInfo
    ? Buffer.from(modal.CommitInfo.encode(request.commitInfo).finish())
    : Buffer.alloc(0);
  const publication = {
    functionIds,
    classIds,
    definitionIds,
    deployedBy: OPERATOR,
    clientVersion,
    tag: request.deploymentTag,
    commitInfo,
    rollbackVersion: 0,
    nonce: '',
  };
  const deployedAt = await putAndRecord(state, named, publication);
  return modal.AppPublishResponse.create({ url: pageOf(state, named), deployedAt });
}

async function putInForce(
  state: State,
  app: control.App,
  deployment: control.Deployment,
  rollbackVersion: number,
  nonce: string,
): Promise<number> {
  const { functionIds, classIds, definitionIds, clientVersion, tag, commitInfo } = deployment;
  return putAndRecord(state, app, {
    functionIds,
    classIds,
    definitionIds,
    deployedBy: OPERATOR,
    clientVersion,
    tag,
    commitInfo,
    rollbackVersion,
    nonce,
  });
}

/** Puts a version in force; the app's own record follows the switch. The answer is the time of it, 0 when nothing has changed. */
async function putAndRecord(state: State, app: control.App, publication: Publication): Promise<number> {
  const { phase, name } = app;
  const { functionIds, classIds } = publication;
  const deployment = await publish(state, app, publication);
  await state.apps.modify(app.appId, (now) => {
    if (!now) return undefined;
    if (deployment && deployment.version < now.version) return undefined;
    const { version, deployedAt } = deployment ?? now;
    return { ...now, phase, name, functionIds, classIds, version, deployedAt, deployedBy: OPERATOR };
  });
  return deployment?.deployedAt ?? 0;
}
