import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { control as contracts } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';
import { eventually } from '@portico/testing';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const { OBJECT_CREATION_TYPE_CREATE_IF_MISSING, OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP } =
  modal.ObjectCreationType;

function appNamed(control: ControlOnNats, appName: string): Promise<{ appId: string }> {
  const objectCreationType = OBJECT_CREATION_TYPE_CREATE_IF_MISSING;
  return control.client.appGetOrCreate(
    modal.AppGetOrCreateRequest.create({ appName, objectCreationType }),
    control.good,
  );
}

function publish(control: ControlOnNats, appId: string, changes: Partial<modal.AppPublishRequest> = {}) {
  const appState = modal.AppState.APP_STATE_DEPLOYED;
  return control.client.appPublish(
    modal.AppPublishRequest.create({ appId, name: 'shop', appState, ...changes }),
    control.good,
  );
}

test('two that deploy a new app at once get the same app, and each a version of it', async () => {
  await using control = await controlOnNats();
  const ids = (await Promise.all(Array.from({ length: 5 }, () => appNamed(control, 'shop')))).map(({ appId }) => appId);
  assert.equal(new Set(ids).size, 1);
  const appId = ids[0] ?? '';
  await Promise.all([publish(control, appId), publish(control, appId)]);
  const { appDeploymentHistories: versions } = await control.client.appDeploymentHistory({ appId }, control.good);
  const numbers = versions.map(({ version }) => version);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal((await control.live.get(appId))?.value.version, Math.max(...numbers));
});

test('a name is free again when its app has been stopped, and a restart forgets nothing', async () => {
  await using control = await controlOnNats();
  const { appId } = await appNamed(control, 'shop');
  await publish(control, appId);
  await control.restart();
  assert.equal((await appNamed(control, 'shop')).appId, appId);
  await control.client.appStop(modal.AppStopRequest.create({ appId }), control.good);
  assert.equal((await control.live.get(appId))?.value.state, contracts.AppState.STOPPED);
  assert.notEqual((await appNamed(control, 'shop')).appId, appId);
});

test('what was acknowledged outlives a power cut of NATS', async () => {
  await using control = await controlOnNats();
  const { appId } = await appNamed(control, 'shop');
  await publish(control, appId);
  await control.nats.kill();
  await control.nats.start();
  const after = await eventually('control is back', () => appNamed(control, 'other').catch(() => undefined));
  assert.notEqual(after.appId, appId);
  assert.equal((await appNamed(control, 'shop')).appId, appId);
  assert.equal((await control.live.get(appId))?.value.version, 1);
});

test('an app ends when its client falls silent, and not before', async () => {
  await using control = await controlOnNats({ clientTimeoutMs: 1_000 });
  const appState = modal.AppState.APP_STATE_EPHEMERAL;
  const { appId } = await control.client.appCreate(modal.AppCreateRequest.create({ description: 'x' }), control.good);
  await publish(control, appId, { appState, name: '' });
  const stateOf = async () => (await control.live.get(appId))?.value.state;
  const begin = Date.now();
  await eventually('three times as long as it may be silent has passed', async () => {
    await control.client.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), control.good);
    return Date.now() - begin > 3_000;
  });
  assert.equal(await stateOf(), contracts.AppState.RUNNING);
  await eventually('it is stopped', async () => (await stateOf()) === contracts.AppState.STOPPED);
  const late = control.client.appHeartbeat(modal.AppHeartbeatRequest.create({ appId }), control.good);
  await assert.rejects(late, { kind: 'failed-precondition' });
});

test('a secret is nowhere in the store of NATS, nor in what control answers', async () => {
  await using control = await controlOnNats();
  const value = randomBytes(20).toString('hex');
  const { secretId } = await control.client.secretGetOrCreate(
    modal.SecretGetOrCreateRequest.create({
      objectCreationType: OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP,
      envDict: new Map([['PASSWORD', value]]),
      appId: (await appNamed(control, 'shop')).appId,
    }),
    control.good,
  );
  const info = await control.client.secretGetInfo(modal.SecretGetInfoRequest.create({ secretId }), control.good);
  assert.equal(
    JSON.stringify(info, (_, part) => (typeof part === 'bigint' ? String(part) : part)).includes(value),
    false,
  );
  const files = await readdir(control.nats.folder, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map((file) => readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))),
  );
  assert.ok(
    contents.some((content) => content.includes(secretId)),
    'the record is there',
  );
  assert.equal(
    contents.some((content) => content.includes(value)),
    false,
  );
});

test('uploads need a signed address that still holds, and come back as they were', async () => {
  await using control = await controlOnNats();
  const bytes = randomBytes(300_000);
  const created = await control.client.blobCreate(
    modal.BlobCreateRequest.create({
      contentLength: BigInt(bytes.length),
      contentMd5: createHash('md5').update(bytes).digest('base64'),
    }),
    control.good,
  );
  const upload = created.multipart?.uploadUrls[0] ?? assert.fail('no address to upload to');
  const put = async (url: string): Promise<number> => (await fetch(url, { method: 'PUT', body: bytes })).status;
  assert.equal(await put(upload.replace(/signature=.{4}/, 'signature=AAAA')), 403);
  assert.equal(await put(upload.replace(/until=\d+/, 'until=1')), 403);
  assert.equal(await put(upload.replace(created.blobId, `${created.blobId.slice(0, -1)}X`)), 403);
  assert.equal(await put(upload.split('?')[0] ?? ''), 403);
  assert.equal(await put(upload), 200);
  const { downloadUrl } = await control.client.blobGet(
    modal.BlobGetRequest.create({ blobId: created.blobId }),
    control.good,
  );
  assert.deepEqual(Buffer.from(await (await fetch(downloadUrl)).arrayBuffer()), bytes);
  assert.equal((await fetch(`${control.apiOrigin}/blobs/${created.blobId}`)).status, 403);
  assert.equal((await fetch(`${control.apiOrigin}/blobs/..%2f..%2fkeys%2fsecrets.key`)).status, 403);
});

test('a file of a mount is taken only with the content that its hash names', async () => {
  await using control = await controlOnNats();
  const data = Buffer.from('print("hello")');
  const sha256Hex = createHash('sha256').update(data).digest('hex');
  const put = (content: Buffer | undefined, hash: string) =>
    control.client.mountPutFile(modal.MountPutFileRequest.create({ sha256Hex: hash, data: content }), control.good);
  await assert.rejects(put(Buffer.from('other'), sha256Hex), { kind: 'invalid-argument' });
  await assert.rejects(put(data, '../../keys/secrets.key'), { kind: 'invalid-argument' });
  assert.equal((await put(undefined, sha256Hex)).exists, false);
  assert.equal((await put(data, sha256Hex)).exists, true);
  assert.equal((await put(undefined, sha256Hex)).exists, true);
});
