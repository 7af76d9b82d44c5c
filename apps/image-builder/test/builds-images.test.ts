import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually } from '@portico/testing';
import { BUILDING, CANCELLED, FAILED, openBuilder, PYTHON, READY, type TestBuilder } from './builder.ts';

let builder: TestBuilder;
before(async () => {
  builder = await openBuilder();
});
after(() => builder[Symbol.asyncDispose]());

/** A step that no run of these tests has built before. */
const fresh = (): string => `RUN echo built ${randomUUID()}`;

test('a chain of images is built once, and tells what it does line by line', async () => {
  const below = await builder.build({ dockerfileCommands: [`FROM ${PYTHON}`, fresh()] });
  assert.equal(below.image.state, READY, below.text);
  assert.match(below.text, /^=> Step 0: FROM docker\.io\/library\/python:3\.11-slim-bookworm$/m);
  assert.match(below.text, /^=> Step 1: RUN echo built /m);
  assert.match(below.text, /^built [0-9a-f-]{36}$/m);
  const recipe = {
    baseImageIds: [below.imageId],
    dockerfileCommands: [
      'FROM base',
      'RUN echo above > /above',
      'ENV GREETING="good day"',
      'WORKDIR /srv',
      'USER nobody',
      'CMD ["sleep", "1"]',
    ],
  };
  const above = await builder.build(recipe);
  assert.equal(above.image.state, READY, above.text);
  assert.match(above.text, /^=> Step 0: FROM base$/m);
  const { config } = above.image;
  assert.equal(config?.environment.get('GREETING'), 'good day');
  assert.equal(config?.workingDirectory, '/srv');
  assert.equal(config?.user, 'nobody');
  assert.deepEqual(config?.command, ['sleep', '1']);
  assert.match(config?.pythonVersion ?? '', /^3\.11\.\d+$/);
  assert.equal(config?.pythonAbi, 'cp311-manylinux');
  const again = await builder.ensure(recipe);
  assert.deepEqual([again.imageId, again.image?.state, again.image?.attempt], [above.imageId, READY, 1]);
});

test('two that ask at once share one build, and both read its whole log', async () => {
  const recipe = { dockerfileCommands: [`FROM ${PYTHON}`, 'RUN sleep 1', fresh()] };
  const [first, second] = await Promise.all([builder.build(recipe), builder.build(recipe)]);
  assert.equal(first.imageId, second.imageId);
  assert.equal(first.image.attempt, 1);
  assert.equal(first.text, second.text);
  assert.equal(first.text.match(/^=> Step 1/gm)?.length, 1);
});

test('a failed build shows command, output and exit code, and is built anew when asked again', async () => {
  const recipe = { dockerfileCommands: [`FROM ${PYTHON}`, 'RUN echo on stdout; echo on stderr >&2; exit 7'] };
  const first = await builder.build(recipe);
  assert.equal(first.image.state, FAILED);
  assert.equal(
    first.image.error,
    'The build step "RUN echo on stdout; echo on stderr >&2; exit 7" failed with exit code 7.',
  );
  assert.match(first.text, /^on stdout$/m);
  assert.match(first.text, /^on stderr$/m);
  const again = await builder.ensure(recipe);
  assert.equal(again.image?.state, BUILDING);
  const second = await builder.watch(again.imageId);
  assert.deepEqual([second.image.state, second.image.attempt], [FAILED, 2]);
  assert.equal(second.text.match(/^on stdout$/gm)?.length, 1, 'only the lines of the last attempt');
});

test('an image on top of a failed one says why it can not be built', async () => {
  const below = await builder.build({ dockerfileCommands: [`FROM ${PYTHON}`, 'RUN exit 3'] });
  const above = await builder.build({ baseImageIds: [below.imageId], dockerfileCommands: ['FROM base', 'RUN true'] });
  assert.equal(above.image.state, FAILED);
  assert.match(above.image.error, /"RUN exit 3" failed with exit code 3/);
});

test('a cancelled build ends at once with all that it started, and can be built later', async () => {
  const mark = randomUUID();
  const recipe = {
    dockerfileCommands: [`FROM ${PYTHON}`, `RUN echo ${mark}; if [ ! -e /context/x ]; then sleep 600; fi`],
  };
  const { imageId } = await builder.ensure(recipe);
  const watched = builder.watch(imageId);
  await eventually('the step runs', () => processesWith(mark).then((count) => count > 0), { withinMs: 60_000 });
  await builder.client.cancelBuild({ imageId }, { deadlineMs: 30_000 });
  const { image } = await watched;
  assert.equal(image.state, CANCELLED);
  assert.equal(await processesWith(mark), 0);
});

test('a build that takes too long is ended, and says so', async () => {
  await using hasty = await openBuilder({ PORTICO_BUILD_TIMEOUT_MS: '2000' });
  const { image } = await hasty.build({ dockerfileCommands: [`FROM ${PYTHON}`, 'RUN sleep 600'] });
  assert.equal(image.state, FAILED);
  assert.equal(
    image.error,
    'The build step "RUN sleep 600" was ended: a build may take 2 s (PORTICO_BUILD_TIMEOUT_MS).',
  );
});

test('a forced build makes a new image that takes the place of the old one', async () => {
  const recipe = { dockerfileCommands: [`FROM ${PYTHON}`, fresh()] };
  const first = await builder.build(recipe);
  const forced = await builder.build(recipe, { forceBuild: true });
  assert.equal(forced.image.state, READY, forced.text);
  assert.notEqual(forced.imageId, first.imageId);
  assert.equal((await builder.ensure(recipe)).imageId, forced.imageId);
  const aside = await builder.build(recipe, { ignoreCache: true });
  assert.equal(aside.image.state, READY);
  assert.equal(
    (await builder.ensure(recipe)).imageId,
    forced.imageId,
    'a build that ignores the cache leaves it alone',
  );
});

test('a build that a restart cut off is done again for the one who waits for it', async () => {
  const recipe = { dockerfileCommands: [`FROM ${PYTHON}`, 'RUN sleep 2', fresh()] };
  const { imageId } = await builder.ensure(recipe);
  await builder.restart();
  const { image } = await builder.watch(imageId);
  assert.deepEqual([image.state, image.attempt], [READY, 2]);
  await builder.restart();
  assert.equal((await builder.ensure(recipe)).image?.state, READY);
});

test('an image that was never asked for is not found', async () => {
  await assert.rejects(builder.client.getImage({ imageId: 'im-none' }, { deadlineMs: 5_000 }), {
    code: 'image.not_found',
  });
});

async function processesWith(text: string): Promise<number> {
  const { readdir, readFile } = await import('node:fs/promises');
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(numbers.map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith('/bin/sh') && line.includes(text)).length;
}
