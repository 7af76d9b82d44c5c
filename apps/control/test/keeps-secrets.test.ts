import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { modal } from '@portico/modal-protocol';
import { deploy, webFunction } from './client-steps.ts';
import { type ControlOnNats, controlOnNats } from './control-on-nats.ts';

const { ObjectCreationType: T } = modal;
let control: ControlOnNats;

before(async () => {
  control = await controlOnNats();
});

after(() => control?.[Symbol.asyncDispose]());

async function secret(
  values: Readonly<Record<string, string>>,
  request: Partial<modal.SecretGetOrCreateRequest> = {},
): Promise<string> {
  const { secretId } = await control.client.secretGetOrCreate(
    modal.SecretGetOrCreateRequest.create({
      objectCreationType: T.OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP,
      envDict: new Map(Object.entries(values)),
      ...request,
    }),
    control.good,
  );
  return secretId;
}

const named = (deploymentName: string, objectCreationType: modal.ObjectCreationType, requiredKeys: string[] = []) => ({
  ...{ deploymentName, objectCreationType, requiredKeys },
});

/** What a container of a function with these secrets finds in its environment. */
async function environmentOf(name: string, secretIds: string[]): Promise<ReadonlyMap<string, string>> {
  const { appId } = await deploy(control, { name, functions: { web: webFunction({ secretIds }) } });
  const pool = (await control.live.get(appId))?.value.pools[0];
  const { spec } = await control.specs.getContainerSpec(
    { containerId: 'ta-1', appId, poolId: pool?.poolId ?? '', definitionId: pool?.definitionId ?? '' },
    { deadlineMs: 5_000 },
  );
  return spec?.environment ?? new Map();
}

/** Every file in which NATS and control keep anything. */
async function everyByte(): Promise<Buffer[]> {
  const folders = await Promise.all(
    [control.nats.folder, control.home].map((folder) => readdir(folder, { recursive: true, withFileTypes: true })),
  );
  const files = folders.flat().filter((file) => file.isFile());
  return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))));
}

test('secrets reach the environment of the container, later ones win', async () => {
  const ids = [await secret({ A: '1', B: '1' }), await secret({ B: '2', EMPTY: '' })];
  const environment = await environmentOf('env', ids);
  assert.deepEqual(
    ['A', 'B', 'EMPTY'].map((key) => environment.get(key)),
    ['1', '2', ''],
  );
});

test('a value is nowhere in plain text: not in the store, not in an answer', async () => {
  const values = [randomBytes(20).toString('hex'), randomBytes(20).toString('hex')];
  const [anonymous, kept] = [
    await secret({ PASSWORD: values[0] ?? '' }),
    await secret({ PASSWORD: values[1] ?? '' }, named('kept', T.OBJECT_CREATION_TYPE_CREATE_IF_MISSING)),
  ];
  assert.equal((await environmentOf('plain', [anonymous])).get('PASSWORD'), values[0]);
  const answers = [
    await control.client.secretGetInfo(modal.SecretGetInfoRequest.create({ secretId: kept }), control.good),
    await control.client.secretList(modal.SecretListRequest.create({}), control.good),
  ];
  const told = JSON.stringify(answers, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  assert.match(told, /PASSWORD/);
  const contents = [...(await everyByte()), Buffer.from(told)];
  assert.ok(
    contents.some((content) => content.includes(kept)),
    'the record is there',
  );
  for (const value of values) {
    const forms = [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex')];
    for (const form of forms)
      assert.equal(
        contents.some((content) => content.includes(form)),
        false,
      );
  }
});

test('an update changes what it names and leaves the rest; updates at once all count', async () => {
  const secretId = await secret({ A: '1', GONE: 'x' }, named('changing', T.OBJECT_CREATION_TYPE_CREATE_IF_MISSING));
  const update = (key: string, value?: string) =>
    control.client.secretUpdate(
      modal.SecretUpdateRequest.create({ secretId, updates: [{ key, value }] }),
      control.good,
    );
  await Promise.all([update('B', '2'), update('C', '3'), update('D', '4'), update('GONE')]);
  const environment = await environmentOf('updated', [secretId]);
  assert.deepEqual(
    ['A', 'B', 'C', 'D', 'GONE'].map((key) => environment.get(key)),
    ['1', '2', '3', '4', undefined],
  );
});

test('named secrets: made once, found by name, replaced, refused, deleted', async () => {
  const { OBJECT_CREATION_TYPE_UNSPECIFIED: lookup, OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS: fresh } = T;
  await assert.rejects(secret({}, named('shop', lookup)), { kind: 'not-found', message: /modal secret create shop/ });
  const made = await Promise.allSettled(Array.from({ length: 4 }, () => secret({ A: '1' }, named('shop', fresh))));
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
  const id = await secret({}, named('shop', lookup));
  await assert.rejects(secret({}, named('shop', lookup, ['A', 'B'])), { message: /lacks the keys B/ });
  await assert.rejects(secret({ A: '2' }, named('shop', fresh)), { kind: 'already-exists' });
  assert.equal(await secret({ A: '2' }, named('shop', T.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS)), id);
  assert.equal((await environmentOf('replaced', [id])).get('A'), '2');
  await control.client.secretDelete(modal.SecretDeleteRequest.create({ secretId: id }), control.good);
  await assert.rejects(secret({}, named('shop', lookup)), { kind: 'not-found' });
});

test('the same values under a new id are no change of an app, other values are', async () => {
  const with_ = async (value: string) =>
    (
      await deploy(control, {
        name: 'equal',
        functions: { web: webFunction({ secretIds: [await secret({ A: value })] }) },
      })
    ).deployedAt;
  assert.ok((await with_('1')) > 0);
  assert.equal(await with_('1'), 0);
  assert.ok((await with_('2')) > 0);
});
