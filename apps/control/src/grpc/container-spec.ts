import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { type ServedApi, serveAll } from '@portico/grpc';
import { basePoolIdOf } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { appById, environmentOfRecord } from '../domain/apps.ts';
import { parameterSetOf } from '../domain/class-parameters.ts';
import { currentNameOf } from '../domain/environments.ts';
import { definitionById } from '../functions.ts';
import type { State } from '../state.ts';
import { mergedSecrets } from './images.ts';
import { layoutOf } from './layout.ts';

const RUN_DIR = '/__portico/run';

/** For node-agent: everything that a container needs to start. */
export function containerSpecApi(state: State): ServedApi {
  return serveAll(control.ContainerSpecServiceService, {
    getContainerSpec: (request) => ({ spec: specOf(state, request) }),
  });
}

function specOf(
  state: State,
  { containerId, poolId, appId, definitionId, serializedParams }: control.GetContainerSpecRequest,
): control.ContainerSpec {
  const app = appById(state, appId);
  const live = state.live.get(appId);
  const base = [...(live?.pools ?? []), ...(live?.previousPools ?? [])].find(
    (candidate) => candidate.poolId === basePoolIdOf(poolId),
  );
  const pool = base && serializedParams ? { ...base, poolId, serializedParams } : base;
  if (!pool || live?.state !== control.AppState.RUNNING)
    throw new DomainError(
      'failed-precondition',
      'container.not_wanted',
      `Nothing deployed wants the pool ${poolId} any more.`,
    );
  const definition = definitionById(state, definitionId);
  const record = state.definitions.get(definitionId);
  const deployment = state.deployments.get(`${appId}.${pool.appVersion}`) ?? app;
  const environment = environmentOfRecord(state, app);
  const environmentName = currentNameOf(environment);
  const args = modal.ContainerArguments.create({
    taskId: containerId,
    functionId: pool.functionId,
    appId,
    // The client's event loop runs all the time only when it may have two inputs; the real limit is kept by router and runner.
    functionDef: runsUserEventLoop(pool)
      ? { ...definition, maxConcurrentInputs: Math.max(2, definition.maxConcurrentInputs), targetConcurrentInputs: 0 }
      : definition,
    serializedParams: pool.serializedParams.length > 0 ? parameterSetOf(pool.serializedParams) : Buffer.alloc(0),
    environmentName,
    appLayout: layoutOf(
      state,
      deployment,
      definition.objectDependencies.map(({ objectId }) => objectId),
    ),
  });
  return control.ContainerSpec.create({
    pool,
    containerArguments: Buffer.from(modal.ContainerArguments.encode(args).finish()),
    environment: new Map([
      ...mergedSecrets(state, definition.secretIds),
      ...platformVariables(containerId, pool, environmentName),
    ]),
    mounts: definition.mountIds.flatMap((id) => state.mounts.get(id) ?? []),
    clientVersion: clientVersionOf(state, definition) || (record?.clientVersion ?? ''),
    imageBuilderVersion: state.images.get(pool.imageId)?.builderVersion || environment.imageBuilderVersion,
    blockNetwork: definition.blockNetwork,
    plainImage: definition.httpConfig?.liftAndShiftConfig !== undefined,
    appName: app.name,
  });
}

/** All web functions but servers of their own are run by the client's input loop. */
function runsUserEventLoop(pool: control.PoolSpec): boolean {
  return pool.kind === control.ServingKind.RUNNER || (pool.kind === control.ServingKind.PORT && !pool.isServer);
}

function clientVersionOf(state: State, definition: modal.FunctionMessage): string {
  return definition.mountIds.map((id) => state.mounts.get(id)?.clientVersion ?? '').find(Boolean) ?? '';
}

/** What the client's own runtime and user code find in the environment. */
function platformVariables(containerId: string, pool: control.PoolSpec, environmentName: string): [string, string][] {
  return [
    ['MODAL_CONTAINER_ARGUMENTS_PATH', `${RUN_DIR}/arguments.bin`],
    ['MODAL_SERVER_URL', `unix://${RUN_DIR}/door.sock`],
    ['MODAL_IS_REMOTE', '1'],
    ['MODAL_TASK_ID', containerId],
    ['MODAL_IMAGE_ID', pool.imageId],
    ['MODAL_ENVIRONMENT', environmentName],
    ['MODAL_CLOUD_PROVIDER', 'CLOUD_PROVIDER_UNSPECIFIED'],
    ['MODAL_REGION', 'portico'],
    ['PORTICO_RUN_DIR', RUN_DIR],
    ['PORTICO_MAX_CONCURRENT', String(pool.maxConcurrentInputs)],
  ];
}
