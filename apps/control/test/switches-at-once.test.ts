import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control as contracts } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { define, deploy, foundOrMade, publishDefined, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
});

after(() => control?.[Symbol.asyncDispose]());

async function liveOf(appId: string): Promise<contracts.LiveApp> {
  return (await control.live.get(appId))?.value ?? assert.fail('the app is not in force');
}

async function versionsOf(appId: string): Promise<modal.AppDeploymentHistory[]> {
  return (await control.client.appDeploymentHistory({ appId }, control.good)).appDeploymentHistories;
}

const labelled = (requestedSuffix: string): Partial<modal.FunctionMessage> => ({
  webhookConfig: modal.WebhookConfig.create({ type: modal.WebhookType.WEBHOOK_TYPE_ASGI_APP, requestedSuffix }),
});

test('a deploy is one write of what is in force, with all its functions', async () => {
  const following = new AbortController();
  const seen: (contracts.LiveApp | undefined)[] = [];
  const watched = (async () => {
    for await (const { value } of control.live.watch({ signal: following.signal })) seen.push(value);
  })();
  const functions = { a: webFunction(), b: webFunction(), c: webFunction() };
  const { appId } = await deploy(control, { name: 'atomic', functions });
  const before = seen.length;
  await deploy(control, { name: 'atomic', functions: { ...functions, a: { timeoutSecs: 7 }, b: { timeoutSecs: 7 } } });
  const { revision } = (await control.live.get(appId)) ?? assert.fail();
  following.abort();
  await watched;
  const ofApp = seen.filter((value) => value?.appId === appId);
  assert.deepEqual(
    ofApp.map((value) => [value?.version, value?.routes.length, value?.pools.length]),
    [
      [1, 3, 3],
      [2, 3, 3],
    ],
  );
  assert.ok(before >= 1 && revision > 0);
});

test('a deploy without a change says so and changes nothing', async () => {
  const wanted = { name: 'same', functions: { web: webFunction() } };
  const first = await deploy(control, wanted);
  assert.ok(first.deployedAt > 0);
  const before = await control.live.get(first.appId);
  const second = await deploy(control, wanted);
  assert.deepEqual([second.appId, second.deployedAt], [first.appId, 0]);
  assert.equal((await control.live.get(first.appId))?.revision, before?.revision);
  assert.equal((await versionsOf(first.appId)).length, 1);
});

test('two first deploys at once get one app, the same functions and a version each', async () => {
  const wanted = (timeoutSecs: number) => ({ name: 'race', functions: { web: { timeoutSecs }, api: { timeoutSecs } } });
  const timeouts = [11, 22, 33, 44];
  const deployed = await Promise.all(timeouts.map((timeoutSecs) => deploy(control, wanted(timeoutSecs))));
  const appId = deployed[0]?.appId ?? '';
  assert.deepEqual([...new Set(deployed.map((one) => one.appId))], [appId]);
  assert.equal(new Set(deployed.flatMap(({ functionIds }) => [...functionIds.values()])).size, 2);
  const numbers = (await versionsOf(appId)).map(({ version }) => version);
  assert.deepEqual(numbers, [4, 3, 2, 1]);
  const { version, pools, routes } = await liveOf(appId);
  assert.equal(version, 4);
  assert.equal(new Set(pools.map(({ timeoutMs }) => timeoutMs)).size, 1, 'parts of two deploys are mixed');
  assert.deepEqual(routes.map(({ host }) => host).sort(), ['local--race-api.localhost', 'local--race-web.localhost']);
});

test('one of two first deploys that fails takes nothing away from the other', async () => {
  const [failing, other] = await Promise.all([foundOrMade(control, 'half'), foundOrMade(control, 'half')]);
  assert.equal(failing, other);
  await control.client.appClientDisconnect(modal.AppClientDisconnectRequest.create({ appId: failing }), control.good);
  const defined = await define(control, other, { web: webFunction() });
  await publishDefined(control, other, 'half', defined);
  assert.equal((await liveOf(other)).state, contracts.AppState.RUNNING);
});

test('a stop and a deploy that meet leave an app either stopped or running, never half of each', async () => {
  const meet = async (name: string): Promise<void> => {
    const { appId } = await deploy(control, { name, functions: { web: webFunction() } });
    const defined = await define(control, appId, { web: { timeoutSecs: 10 } });
    const stop = control.client.appStop(modal.AppStopRequest.create({ appId }), control.good);
    await Promise.allSettled([stop, publishDefined(control, appId, name, defined)]);
    const { lifecycle } = await control.client.appGetLifecycle({ appId }, control.good);
    const isStopped = lifecycle?.appState === modal.AppState.APP_STATE_STOPPED;
    assert.equal((await liveOf(appId)).state === contracts.AppState.STOPPED, isStopped);
  };
  await Promise.all(Array.from({ length: 10 }, (_, i) => meet(`meet-${i}`)));
});

test('a label goes with a function that is renamed, and is free for others when nobody has it', async () => {
  const { appId } = await deploy(control, { name: 'owner', functions: { old: labelled('site') } });
  await deploy(control, { name: 'owner', functions: { fresh: labelled('site') } });
  assert.deepEqual(
    (await liveOf(appId)).routes.map(({ host }) => host),
    ['local--site.localhost'],
  );
  const other = { name: 'other', functions: { web: labelled('site') } };
  await assert.rejects(deploy(control, other), { kind: 'failed-precondition', message: /belongs to .* "owner"/ });
  await deploy(control, { name: 'owner', functions: { fresh: labelled('elsewhere') } });
  const taken = await deploy(control, other);
  assert.equal((await liveOf(taken.appId)).routes[0]?.host, 'local--site.localhost');
});

test('two functions of one deploy with one label are refused, and the version before stays in force', async () => {
  const { appId } = await deploy(control, { name: 'twins', functions: { a: labelled('one') } });
  const before = await control.live.get(appId);
  await assert.rejects(deploy(control, { name: 'twins', functions: { a: labelled('two'), b: labelled('two') } }), {
    kind: 'invalid-argument',
    message: /would have the URL local--two\.localhost/,
  });
  assert.deepEqual(await control.live.get(appId), before);
});

test('a way back brings the addresses of then, and the history says where from', async () => {
  const { appId } = await deploy(control, { name: 'back', functions: { web: labelled('then') } });
  await deploy(control, { name: 'back', functions: { web: labelled('now') } });
  await control.client.appRollback(modal.AppRollbackRequest.create({ appId, version: 1 }), control.good);
  assert.deepEqual(
    (await liveOf(appId)).routes.map(({ host }) => host),
    ['local--then.localhost'],
  );
  assert.deepEqual(
    (await versionsOf(appId)).map(({ version, rollbackVersion, rollbackAllowed }) => [
      version,
      rollbackVersion,
      rollbackAllowed,
    ]),
    [
      [3, 1, false],
      [2, 0, true],
      [1, 0, true],
    ],
  );
  const wrong = control.client.appRollback(modal.AppRollbackRequest.create({ appId, version: 9 }), control.good);
  await assert.rejects(wrong, { kind: 'not-found', message: /no version v9/ });
});

test('an option without an effect is told once, with its function', async () => {
  const schedule = modal.Schedule.create({});
  const { warnings } = await deploy(control, { name: 'told', functions: { tick: { schedule }, web: webFunction() } });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^tick: schedule= is ignored/);
});
