import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { autoscaler, control as contracts, nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { deploy, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const CONTAINER = 'ta-01JAAAAAAAAAAAAAAAAAAAAAA0';
const OTHER = 'ta-01JBBBBBBBBBBBBBBBBBBBBBB0';
let control: ControlOnNats;
let own: string;
let other: string;

before(async () => {
  control = await controlOnNats();
  own = (await deploy(control, { name: 'own', functions: { web: webFunction() } })).appId;
  other = (await deploy(control, { name: 'other', functions: { web: webFunction() } })).appId;
  await place(CONTAINER, own);
  await place(OTHER, other);
  await eventually('control knows the containers', () =>
    control.door.clientHello({}, control.as(OTHER)).catch(() => undefined),
  );
});

after(() => control?.[Symbol.asyncDispose]());

async function place(containerId: string, appId: string): Promise<void> {
  const pool = contracts.PoolSpec.create({ poolId: 'po-1', appId, environmentName: 'main' });
  const desired = autoscaler.Desired.RUN;
  await control.neighbours.placements.put(containerId, autoscaler.Placement.create({ containerId, desired, pool }));
}

/** Every call that is bound to one app, for an app and one of its containers. */
function boundCalls(appId: string, taskId: string): Record<string, () => Promise<unknown>> {
  const { door } = control;
  const by = control.as(CONTAINER);
  const logs = async (request: Partial<modal.AppGetLogsRequest>): Promise<void> => {
    for await (const _ of door.appGetLogs(modal.AppGetLogsRequest.create(request), by)) return;
  };
  return {
    appHeartbeat: () => door.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), by),
    appSetTags: () => door.appSetTags(modal.AppSetTagsRequest.create({ appId }), by),
    appGetLogs: () => logs({ appId }),
    'appGetLogs of a container': () => logs({ taskId }),
    'appGetLogs of a container, said to be ours': () => logs({ appId: own, taskId }),
    appFetchLogs: () => door.appFetchLogs(modal.AppFetchLogsRequest.create({ appId }), by),
    appCountLogs: () => door.appCountLogs(modal.AppCountLogsRequest.create({ appId }), by),
    functionPrecreate: () =>
      door.functionPrecreate(modal.FunctionPrecreateRequest.create({ appId, functionName: 'more' }), by),
    functionCreate: () =>
      door.functionCreate(
        modal.FunctionCreateRequest.create({ appId, function: modal.FunctionMessage.create({ functionName: 'more' }) }),
        by,
      ),
    classCreate: () => door.classCreate(modal.ClassCreateRequest.create({ appId }), by),
    appRollover: () => door.appRollover(modal.AppRolloverRequest.create({ appId }), by),
    appRollback: () => door.appRollback(modal.AppRollbackRequest.create({ appId, version: 1 }), by),
    appPublish: () => door.appPublish(modal.AppPublishRequest.create({ appId, appState: 3 }), by),
    appClientDisconnect: () => door.appClientDisconnect(modal.AppClientDisconnectRequest.create({ appId }), by),
    appStop: () => door.appStop(modal.AppStopRequest.create({ appId }), by),
  };
}

test('a container is refused at the apps of others, and they are as before', async () => {
  const before = await control.live.get(other);
  for (const [name, call] of Object.entries(boundCalls(other, OTHER)))
    await assert.rejects(call(), { kind: 'permission-denied', message: /only with its own app/ }, name);
  const stop = control.door.containerStop(modal.ContainerStopRequest.create({ taskId: OTHER }), control.as(CONTAINER));
  await assert.rejects(stop, { kind: 'permission-denied' });
  assert.deepEqual(await control.live.get(other), before);
});

test('a container may go on with an app that it has made, and its neighbour may not', async () => {
  const by = control.as(CONTAINER);
  const appState = modal.AppState.APP_STATE_EPHEMERAL;
  const { appId } = await control.door.appCreate(modal.AppCreateRequest.create({ description: 'made', appState }), by);
  await control.door.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), by);
  const foreign = control.door.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), control.as(OTHER));
  await assert.rejects(foreign, { kind: 'permission-denied' });
});

test('a container may do all of it with its own app', async () => {
  for (const [name, call] of Object.entries(boundCalls(own, CONTAINER))) await assert.doesNotReject(call, name);
});

test('a container that is no more is nobody, and a client can not pass for one', async () => {
  const unknown = control.door.clientHello({}, control.as('ta-01JCCCCCCCCCCCCCCCCCCCCCC0'));
  await assert.rejects(unknown, { kind: 'unauthenticated', message: /no such container/ });
  const headers = { ...control.good.headers, 'portico-container-id': CONTAINER };
  const request = modal.AppCreateRequest.create({
    description: 'posing',
    appState: modal.AppState.APP_STATE_EPHEMERAL,
  });
  const { appId } = await control.client.appCreate(request, { ...control.good, headers });
  const claimed = control.door.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), control.as(CONTAINER));
  await assert.rejects(claimed, { kind: 'permission-denied' });
});

test('what a neighbour refuses is passed on in its words; its own troubles are not told', async () => {
  await using told = await controlOnNats({
    imageBuilder: {
      getImage() {
        throw new DomainError('not-found', 'image.not_found', 'There is no image im-none.');
      },
      ensureImage() {
        throw new Error('password of the registry: 1234');
      },
      // biome-ignore lint/correctness/useYield: it refuses before it has anything to say
      async *watchBuild() {
        throw new DomainError('failed-precondition', 'image.base_missing', 'The base is gone: deploy again.');
      },
    },
  });
  await assert.rejects(told.client.imageFromId(modal.ImageFromIdRequest.create({ imageId: 'im-none' }), told.good), {
    kind: 'not-found',
    code: 'image.not_found',
    message: 'There is no image im-none.',
  });
  const joined = async (): Promise<void> => {
    const request = modal.ImageJoinStreamingRequest.create({ imageId: 'im-1', timeout: 1 });
    for await (const _ of told.client.imageJoinStreaming(request, told.good)) return;
  };
  await assert.rejects(joined, { kind: 'failed-precondition', message: 'The base is gone: deploy again.' });
  const image = modal.Image.create({});
  const ensured = told.client.imageGetOrCreate(modal.ImageGetOrCreateRequest.create({ image }), told.good);
  await assert.rejects(ensured, (error: Error) => !error.message.includes('1234'));
});

test('what runs is listed with its app, and no longer when it ends', async () => {
  const running = async () =>
    (await control.client.taskList(modal.TaskListRequest.create({}), control.good)).tasks.map(({ taskId }) => taskId);
  assert.deepEqual((await running()).sort(), [CONTAINER, OTHER]);
  const { apps } = await control.client.appList(modal.AppListRequest.create({}), control.good);
  assert.equal(apps.find(({ appId }) => appId === other)?.nRunningTasks, 1);
  const state = nodeAgent.ContainerState.EXITED;
  await control.neighbours.containers.put(
    OTHER,
    nodeAgent.Container.create({ containerId: OTHER, appId: other, state }),
  );
  await eventually('it is no longer listed', async () => !(await running()).includes(OTHER));
});
