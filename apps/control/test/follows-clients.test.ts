import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control as contracts } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { define, deploy, foundOrMade, publishDefined, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const TIMEOUT_MS = 1_500;
let control: ControlOnNats;

before(async () => {
  control = await controlOnNats({ clientTimeoutMs: TIMEOUT_MS });
});

after(() => control?.[Symbol.asyncDispose]());

/** What `modal serve` makes: an app that ends with its client, with a URL. */
async function served(description: string): Promise<string> {
  const appState = modal.AppState.APP_STATE_EPHEMERAL;
  const { appId } = await control.client.appCreate(
    modal.AppCreateRequest.create({ description, appState }),
    control.good,
  );
  await publishDefined(control, appId, '', await define(control, appId, { web: webFunction() }), appState);
  return appId;
}

const beat = (appId: string) => control.client.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), control.good);
const liveOf = async (appId: string) => (await control.live.get(appId))?.value;
const isRunning = async (appId: string) => (await liveOf(appId))?.state === contracts.AppState.RUNNING;

test('an app whose client vanishes ends and its URL goes; one whose client lives stays', async () => {
  const [vanished, alive] = [await served('vanished'), await served('alive')];
  assert.equal((await liveOf(vanished))?.routes[0]?.host, 'local--vanished-web-dev.localhost');
  const begin = Date.now();
  await eventually('the vanished one is stopped', async () => {
    await beat(alive);
    return !(await isRunning(vanished));
  });
  assert.ok(Date.now() - begin > TIMEOUT_MS / 2, 'it was given time');
  assert.deepEqual((await liveOf(vanished))?.routes, []);
  await eventually('three times the limit is over', async () => {
    await beat(alive);
    return Date.now() - begin > 3 * TIMEOUT_MS;
  });
  assert.equal(await isRunning(alive), true);
  await eventually('a late sign of life is refused', () =>
    beat(vanished).then(
      () => false,
      (error: { kind: string }) => error.kind === 'failed-precondition',
    ),
  );
  const { lifecycle } = await control.client.appGetLifecycle({ appId: vanished }, control.good);
  assert.equal(lifecycle?.appState, modal.AppState.APP_STATE_STOPPED);
});

test('a client that says good-bye ends its app at once; a deployed one stays, also without a sign of life', async () => {
  const ephemeral = await served('bye');
  const { appId: deployed } = await deploy(control, { name: 'stays', functions: { web: webFunction() } });
  const begin = Date.now();
  for (const appId of [ephemeral, deployed])
    await control.client.appClientDisconnect(modal.AppClientDisconnectRequest.create({ appId }), control.good);
  assert.equal(await isRunning(ephemeral), false);
  await eventually('twice the limit is over', () => Date.now() - begin > 2 * TIMEOUT_MS);
  assert.equal(await isRunning(deployed), true);
});

test('a restart of control gives clients time to show that they live', async () => {
  const appId = await served('restarted');
  await control.restart();
  await beat(appId);
  assert.equal(await isRunning(appId), true);
  await eventually('it ends when no sign comes', async () => !(await isRunning(appId)));
});

test('a deploy that was given up leaves no app behind, and its name is free', async () => {
  const first = await foundOrMade(control, 'given-up');
  const phaseOf = async () =>
    (await control.client.appGetLifecycle({ appId: first }, control.good)).lifecycle?.appState;
  await eventually('it has ended', async () => (await phaseOf()) === modal.AppState.APP_STATE_STOPPED);
  assert.notEqual(await foundOrMade(control, 'given-up'), first);
});

test('the URL of a served app goes to who served it last', async () => {
  const first = await served('twice');
  const second = await served('twice');
  assert.equal((await liveOf(first))?.routes.length, 0);
  assert.equal((await liveOf(second))?.routes[0]?.host, 'local--twice-web-dev.localhost');
});
