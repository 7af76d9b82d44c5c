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

/** The sign-in itself can't ask for a token. */
const open = new Set(['tokenFlowCreate', 'tokenFlowWait']);

/** Calls a method with an empty request; the error that it ends with. */
async function callEmpty(client: GrpcClient<typeof ModalClientService>, name: string, headers: Headers) {
  const method = ModalClientService[name as keyof typeof ModalClientService];
  const call = client[name as keyof typeof client] as (request: unknown, options: unknown) => unknown;
  const request = method.requestDeserialize(Buffer.alloc(0));
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

test('a method that is not built yet says so with its name', async () => {
  const answers = await Promise.all(
    ['volumeGetOrCreate2', 'queuePut', 'sandboxCreate', 'dictUpdate']
      .filter((name) => methods.includes(name))
      .map(async (name) => [name, await callEmpty(control.client, name, control.good.headers)] as const),
  );
  assert.ok(answers.length >= 3);
  for (const [name, error] of answers) {
    assert.equal(error?.kind, 'unimplemented');
    assert.match(error?.message ?? '', new RegExp(`${name} is not implemented by Portico yet`, 'i'));
  }
});

test('a token that is revoked is refused within a second', async () => {
  await control.token('ak-short', 'as-short');
  const headers = { 'x-modal-token-id': 'ak-short', 'x-modal-token-secret': 'as-short' };
  const isIn = async (): Promise<boolean> => (await callEmpty(control.client, 'appList', headers)) === undefined;
  await eventually('it is let in', isIn);
  await control.token('ak-short', 'as-short', { revokedAt: Date.now() / 1000 });
  await eventually('it is refused', async () => !(await isIn()), { withinMs: 1_000 });
});
