import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control as contracts } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { deploy, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const { OBJECT_CREATION_TYPE_CREATE_IF_MISSING: ifMissing } = modal.ObjectCreationType;
let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
});

after(() => control?.[Symbol.asyncDispose]());

function appNamed(appName: string): Promise<{ appId: string }> {
  const request = modal.AppGetOrCreateRequest.create({ appName, objectCreationType: ifMissing });
  return control.client.appGetOrCreate(request, control.good);
}

function secretNamed(deploymentName: string): Promise<{ secretId: string }> {
  const request = { deploymentName, objectCreationType: ifMissing, envDict: new Map([['A', '1']]) };
  return control.client.secretGetOrCreate(modal.SecretGetOrCreateRequest.create(request), control.good);
}

async function secretIds(): Promise<Set<string>> {
  const { items } = await control.client.secretList(modal.SecretListRequest.create({}), control.good);
  return new Set(items.map(({ secretId }) => secretId));
}

test('who asks for a new app by name at once gets the same app', async () => {
  const ids = (await Promise.all(Array.from({ length: 5 }, () => appNamed('asked')))).map(({ appId }) => appId);
  assert.equal(new Set(ids).size, 1);
});

test('a name is free again when its app has been stopped, and a restart forgets nothing', async () => {
  const wanted = { name: 'shop', functions: { web: webFunction() } };
  const { appId } = await deploy(control, wanted);
  await control.restart();
  assert.equal((await appNamed('shop')).appId, appId);
  assert.equal((await deploy(control, wanted)).deployedAt, 0);
  await control.client.appStop(modal.AppStopRequest.create({ appId }), control.good);
  assert.equal((await control.live.get(appId))?.value.state, contracts.AppState.STOPPED);
  assert.notEqual((await appNamed('shop')).appId, appId);
});

test('while NATS is away, control knows what it knew, lets nobody new in and says to try again', async () => {
  const { appId } = await deploy(control, { name: 'away', functions: { web: webFunction() } });
  await control.nats.kill();
  const { apps } = await control.client.appList(modal.AppListRequest.create({}), control.good);
  assert.ok(apps.some((app) => app.appId === appId));
  const headers = { 'x-modal-token-id': 'ak-good', 'x-modal-token-secret': 'wrong' };
  const stranger = control.client.appList(modal.AppListRequest.create({}), { deadlineMs: 5_000, headers });
  await assert.rejects(stranger, { kind: 'unauthenticated' });
  const refused = control.client.secretGetOrCreate(
    modal.SecretGetOrCreateRequest.create({ deploymentName: 'lost', objectCreationType: ifMissing }),
    { ...control.good, deadlineMs: 30_000 },
  );
  await assert.rejects(refused, { kind: 'unavailable', message: /does not answer just now; try again/ });
  await control.nats.start();
  await eventually('control works again', () => secretNamed('back').catch(() => undefined), { withinMs: 20_000 });
  assert.equal((await appNamed('away')).appId, appId);
});

test('what was acknowledged outlives a power cut of NATS in the middle of it', async () => {
  const acknowledged: string[] = [];
  let isOver = false;
  const work = (async () => {
    for (let i = 0; !isOver; i++) {
      const made = await secretNamed(`kept-${i}`).catch(() => undefined);
      if (made) acknowledged.push(made.secretId);
    }
  })();
  const moreAreStored = (): Promise<unknown> => {
    const before = acknowledged.length;
    return eventually('more are stored', () => acknowledged.length > before + 20, { withinMs: 20_000 });
  };
  await moreAreStored();
  await control.nats.kill();
  await control.nats.start();
  await moreAreStored();
  isOver = true;
  await work;
  await control.restart();
  const present = await secretIds();
  assert.deepEqual(
    acknowledged.filter((secretId) => !present.has(secretId)),
    [],
  );
});
