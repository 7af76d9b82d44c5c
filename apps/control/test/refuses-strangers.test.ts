import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectGrpc, type GrpcClient } from '@portico/grpc';
import { ModalClientService } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
  await control.token('ak-revoked', 'as-revoked', { revokedAt: 1 });
  await control.token('ak-expired', 'as-expired', { expiresAt: 1 });
});

after(() => control?.[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

const strangers: Record<string, Headers> = {
  'nobody at all': {},
  'an id without a secret': { 'x-modal-token-id': 'ak-good' },
  'a wrong secret': { 'x-modal-token-id': 'ak-good', 'x-modal-token-secret': 'as-bad' },
  'an unknown token': { 'x-modal-token-id': 'ak-none', 'x-modal-token-secret': 'as-good' },
  'a revoked token': { 'x-modal-token-id': 'ak-revoked', 'x-modal-token-secret': 'as-revoked' },
  'an expired token': { 'x-modal-token-id': 'ak-expired', 'x-modal-token-secret': 'as-expired' },
  'who says it is a container': { 'portico-container-id': 'ta-1' },
};

/** What clients need to deploy, serve, look and stop. */
const deployMethods = [
  ...['clientHello', 'workspaceNameLookup', 'tokenInfoGet', 'environmentGetOrCreate', 'environmentList'],
  ...['appGetByDeploymentName', 'appCreate', 'appGetLayout', 'appHeartbeat', 'appPublish', 'appClientDisconnect'],
  ...['appGetLifecycle', 'appList', 'appStop', 'appDeploymentHistory', 'appRollback', 'appRollover', 'appGetOrCreate'],
  ...['appGetLogs', 'appFetchLogs', 'appCountLogs', 'mountGetOrCreate', 'mountBatchedCheckExistence', 'mountPutFile'],
  ...['blobCreate', 'blobGet', 'imageGetOrCreate', 'imageJoinStreaming', 'secretGetOrCreate', 'secretList'],
  ...['secretDelete', 'secretUpdate', 'functionPrecreate', 'functionCreate', 'functionGet', 'classCreate', 'classGet'],
  ...['taskList', 'taskGetInfo', 'containerStop'],
];

/** The sign-in itself can't ask for a token. */
const open = new Set(['tokenFlowCreate', 'tokenFlowWait']);

type Fill = (request: Record<string, unknown>) => Record<string, unknown>;

/** Calls a method with a request of defaults, changed; the error that it ends with. */
async function callEmpty(
  client: GrpcClient<typeof ModalClientService>,
  name: string,
  headers: Headers,
  fill: Fill = (request) => request,
) {
  const method = ModalClientService[name as keyof typeof ModalClientService];
  const call = client[name as keyof typeof client] as (request: unknown, options: unknown) => unknown;
  const request = fill(method.requestDeserialize(Buffer.alloc(0)) as unknown as Record<string, unknown>);
  try {
    const answer = call(request, { deadlineMs: 10_000, headers });
    if (method.responseStream) for await (const _ of answer as AsyncIterable<unknown>) return undefined;
    else await answer;
    return undefined;
  } catch (error) {
    return error as { kind: string; message: string };
  }
}

const methods = Object.entries(ModalClientService)
  .filter(([, { requestStream }]) => !requestStream)
  .map(([name]) => name);

for (const [who, headers] of Object.entries(strangers)) {
  test(`every method refuses ${who}`, async () => {
    assert.ok(methods.length > 150);
    const refusals = await Promise.all(
      methods.map(async (name) => [name, (await callEmpty(control.client, name, headers))?.kind] as const),
    );
    const letIn = refusals.filter(([name, kind]) => kind !== 'unauthenticated' && !open.has(name));
    assert.deepEqual(letIn, []);
  });
}

test('the door for containers refuses who is not named as one', async () => {
  await using door = connectGrpc(ModalClientService, `unix://${control.home}/run/control-door.sock`);
  const refusals = await Promise.all(methods.map(async (name) => (await callEmpty(door, name, {}))?.kind));
  assert.deepEqual([...new Set(refusals)], ['unauthenticated']);
});

/** Every text of a request says this. */
const saying =
  (text: string): Fill =>
  (request) =>
    Object.fromEntries(Object.entries(request).map(([key, value]) => [key, typeof value === 'string' ? text : value]));

const requests: Record<string, Fill> = {
  'an empty request': (request) => request,
  'ids that are none': saying('../*.>'),
  'ids of nothing': saying('ap-1'),
};

for (const [what, fill] of Object.entries(requests)) {
  test(`every method answers ${what} or says in a sentence why not; one that is not built names itself`, async () => {
    const answers = await Promise.all(
      methods.map(async (name) => [name, await callEmpty(control.client, name, control.good.headers, fill)] as const),
    );
    const kinds = new Map(answers.map(([name, error]) => [name, error?.kind]));
    assert.deepEqual(
      answers.filter(([, error]) => error && ['internal', 'unavailable', 'unauthenticated'].includes(error.kind)),
      [],
    );
    for (const [name, error] of answers) {
      if (error) assert.match(error.message, /^.*\w.*[.]$/s, name);
      if (error?.kind !== 'unimplemented' || /run_function|sign-in|--restricted|rename/.test(error.message)) continue;
      assert.match(error.message, new RegExp(`^${name} is not implemented by Portico yet\\.$`, 'i'));
    }
    assert.deepEqual(
      deployMethods.filter((name) => kinds.get(name) === 'unimplemented'),
      [],
    );
  });
}

test('a token that is revoked is refused within a second', async () => {
  await control.token('ak-short', 'as-short');
  const headers = { 'x-modal-token-id': 'ak-short', 'x-modal-token-secret': 'as-short' };
  const isIn = async (): Promise<boolean> => (await callEmpty(control.client, 'appList', headers)) === undefined;
  await eventually('it is let in', isIn);
  await control.token('ak-short', 'as-short', { revokedAt: Date.now() / 1000 });
  await eventually('it is refused', async () => !(await isIn()), { withinMs: 1_000 });
});
