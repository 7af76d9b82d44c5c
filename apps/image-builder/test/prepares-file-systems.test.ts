import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { imageBuilder } from '@portico/contracts';
import { createInsideImage } from '../src/adapters/inside-image.ts';
import { type Built, openBuilder, PYTHON, READY, type TestBuilder } from './builder.ts';

const DEADLINE_MS = 240_000;

let builder: TestBuilder;
let image: Built;
before(async () => {
  builder = await openBuilder();
  image = await builder.build({ dockerfileCommands: [`FROM ${PYTHON}`, 'ENV MARK=mine'] });
  assert.equal(image.image.state, READY, image.text);
});
after(() => builder[Symbol.asyncDispose]());

const prepare = (
  imageId: string,
  clientVersion: string,
  builderVersion: string,
): Promise<imageBuilder.PrepareFileSystemResponse> =>
  builder.client.prepareFileSystem({ imageId, clientVersion, builderVersion }, { deadlineMs: DEADLINE_MS });

const PROGRAM = `
import sys, modal, modal_proto, synchronicity, google.protobuf
from modal import _container_entrypoint
loaded = [m for m in list(sys.modules.values()) if (getattr(m, "__file__", None) or "").startswith(("/pkg", "/__modal"))]
print("without bytecode:", [m.__name__ for m in loaded if m.__file__.endswith(".py") and not __import__("os").path.exists(m.__cached__)])
print("modal", modal.__version__, google.protobuf.__file__)
`;

/** Runs a program as a container would see the file system. */
async function python(
  { config, layerDirectories }: imageBuilder.PrepareFileSystemResponse,
  program: string,
): Promise<string> {
  const inside = createInsideImage(join(builder.home, 'images/looks'), 'runc');
  const environment = new Map([...(config?.environment ?? []), ['PYTHONPATH', '/pkg:/root']]);
  const { tail } = await inside.run(layerDirectories, ['python', '-c', program], { environment, timeoutMs: 60_000 });
  return tail;
}

for (const [clientVersion, builderVersion] of [
  ['1.6.4', '2025.06'],
  ['1.6.4', '2026.10'],
  ['1.3.1', '2025.06'],
  ['1.0.0', '2025.06'],
] as const) {
  test(`the client ${clientVersion} with builder ${builderVersion} can be imported, all of it from bytecode`, async () => {
    const output = await python(await prepare(image.imageId, clientVersion, builderVersion), PROGRAM);
    assert.match(output, new RegExp(`^modal ${clientVersion.replaceAll('.', '\\.')} /__modal/deps/google`, 'm'));
    assert.match(output, /^without bytecode: \[\]$/m);
  });
}

test('the runner is there, and no layer is made twice', async () => {
  const first = await prepare(image.imageId, '1.6.4', '2025.06');
  const output = await python(first, "import os; print(sorted(os.listdir('/__portico/runner')))");
  assert.match(output, /portico_runner.*start\.py/);
  const above = await builder.build({
    baseImageIds: [image.imageId],
    dockerfileCommands: ['FROM base', 'RUN echo above > /above'],
  });
  const second = await prepare(above.imageId, '1.6.4', '2025.06');
  assert.deepEqual(second.layerDirectories.slice(0, 3), first.layerDirectories.slice(0, 3));
});

test('what the user has installed comes before what the client needs', async () => {
  const output = await python(
    await prepare(image.imageId, '1.6.4', '2025.06'),
    'import sys; print(sys.path.index("/__modal/deps") == len(sys.path) - 1)',
  );
  assert.match(output, /^True$/m);
});

test('an image without a client has only its own layers, by paths short enough for many of them', async () => {
  const { layerDirectories, config } = await prepare(image.imageId, '', '');
  assert.equal(config?.environment.get('MARK'), 'mine');
  assert.ok(layerDirectories.every((folder) => folder.startsWith(join(builder.home, 'images/l/'))));
  assert.ok(layerDirectories.every((folder) => folder.length < builder.home.length + 24));
});

test('an image that the store has lost is made again', async () => {
  const lost = await builder.build({
    baseImageIds: [image.imageId],
    dockerfileCommands: ['FROM base', 'RUN echo lost > /lost'],
  });
  await prepare(lost.imageId, '', '');
  await rm(join(builder.home, 'images/storage'), { recursive: true });
  const output = await python(await prepare(lost.imageId, '', ''), "print(open('/lost').read())");
  assert.match(output, /^lost$/m);
});

test('a client version that PyPI can not have is refused', async () => {
  await assert.rejects(prepare(image.imageId, '--index-url=x', '2025.06'), { code: 'image.client_version' });
});

test('an image without Python says what to do', async () => {
  const scratch = await builder.build({ dockerfileCommands: ['FROM scratch', 'ENV A=b'] });
  assert.equal(scratch.image.state, READY, scratch.text);
  assert.equal(scratch.image.config?.pythonVersion, '');
  await assert.rejects(prepare(scratch.imageId, '1.6.4', '2025.06'), { code: 'image.no_python' });
});
