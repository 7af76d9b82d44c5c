import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { after, before, test } from 'node:test';
import { mustRun } from '../src/adapters/command.ts';
import { FAILED, openBuilder, READY, type TestBuilder } from './builder.ts';
import { openRegistry, type TestRegistry } from './registry.ts';

const opened = new AsyncDisposableStack();
let folder: string;
let builder: TestBuilder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portico-registry-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  builder = opened.use(await openBuilder({ PORTICO_CACHE: join(folder, 'cache'), PORTICO_REGISTRY_PROBE_MS: '500' }));
  const { image, imageId, text } = await builder.build({
    dockerfileCommands: ['FROM scratch', 'COPY . /', 'ENV FROM_REGISTRY=yes'],
    contextFiles: [{ name: '/hello.txt', data: Buffer.from('from the registry') }],
  });
  assert.equal(image.state, READY, text);
  await mustRun(
    'buildah',
    ['push', '--quiet', `localhost/portico:${imageId}`, `oci:${join(folder, 'layout')}:latest`],
    {
      env: { ...env, CONTAINERS_STORAGE_CONF: join(builder.home, 'images/storage.conf') },
    },
  );
});
after(() => opened.disposeAsync());

const registry = (): Promise<TestRegistry> => openRegistry(join(folder, 'layout'));
const on = (reference: string): { dockerfileCommands: string[] } => ({
  dockerfileCommands: [`FROM ${reference}`, `ENV RUN_OF_TEST=${randomUUID()}`],
});

test('a base image is pulled once, and again when a build is forced', async () => {
  await using registryHere = await registry();
  const reference = `${registryHere.host}/team/data:1`;
  const recipe = on(reference);
  const { image, text, imageId } = await builder.build(recipe);
  assert.equal(image.state, READY, text);
  assert.match(text, new RegExp(`^Pulling ${reference}$`, 'm'));
  assert.equal(image.config?.environment.get('FROM_REGISTRY'), 'yes');
  const { layerDirectories } = await builder.client.prepareFileSystem(
    { imageId, clientVersion: '', builderVersion: '' },
    { deadlineMs: 30_000 },
  );
  assert.equal(await readFile(join(layerDirectories.at(-1) ?? '', 'hello.txt'), 'utf8'), 'from the registry');
  const count = registryHere.asked.length;
  assert.equal((await builder.build(on(reference))).image.state, READY);
  assert.equal(registryHere.asked.length, count, 'the second image takes what is here');
  assert.equal((await builder.build(recipe, { forceBuild: true })).image.state, READY);
  assert.ok(registryHere.asked.length > count, 'a forced build asks again');
});

test('a private registry is opened by the credentials of the recipe, which are not kept', async () => {
  await using registryHere = await registry();
  registryHere.lock('me', 'correct horse');
  const reference = `${registryHere.host}/team/private:1`;
  const refused = await builder.build(on(reference));
  assert.equal(refused.image.state, FAILED);
  assert.match(refused.image.error, /could not be pulled: .*(unauthorized|authentication required|401)/i);
  const { image, text } = await builder.build({
    ...on(reference),
    registryAuth: { username: 'me', password: 'correct horse' },
  });
  assert.equal(image.state, READY, text);
  assert.equal(image.recipe?.registryAuth?.password, '');
});

test('an image that the registry does not have is told from a registry that does not answer', async () => {
  await using registryHere = await registry();
  const { image } = await builder.build(on(`${registryHere.host}/team/data:missing`));
  assert.equal(image.state, FAILED);
  assert.match(image.error, /could not be pulled: .*manifest unknown/);
});

test('a registry that says nothing is waited for once, not by every build', async () => {
  await using registryHere = await registry();
  registryHere.hang();
  const first = await builder.build(on(`${registryHere.host}/team/data:2`));
  assert.equal(first.image.state, FAILED);
  assert.match(first.image.error, /can't be reached from this machine/);
  const count = registryHere.asked.length;
  const second = await builder.build(on(`${registryHere.host}/team/data:2`));
  assert.match(second.image.error, /can't be reached from this machine/);
  assert.equal(registryHere.asked.length, count);
});
