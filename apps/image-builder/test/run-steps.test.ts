import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FAILED, openBuilder, PYTHON, READY, type TestBuilder } from './builder.ts';

let builder: TestBuilder;
before(async () => {
  builder = await openBuilder();
});
after(() => builder[Symbol.asyncDispose]());

const run = (...steps: string[]): string[] => [`FROM ${PYTHON}`, `RUN echo ${randomUUID()}`, ...steps];

test('a step sees the secrets of its recipe, and the image keeps no trace of them', async () => {
  const value = `hidden-${randomUUID()}`;
  const recipe = {
    dockerfileCommands: run('RUN echo "$TOKEN" | sha256sum && test -n "$TOKEN"'),
    secretEnvironment: new Map([['TOKEN', value]]),
  };
  const { image, text, imageId } = await builder.build(recipe);
  assert.equal(image.state, READY, text);
  assert.equal(image.config?.environment.get('TOKEN'), undefined);
  assert.equal(image.recipe?.secretEnvironment.get('TOKEN'), '', 'the record keeps the name only');
  const { layerDirectories } = await builder.client.prepareFileSystem(
    { imageId, clientVersion: '', builderVersion: '' },
    { deadlineMs: 30_000 },
  );
  assert.deepEqual(await filesWith(join(builder.home, 'images/storage'), value), []);
  assert.deepEqual(
    (await readdir(layerDirectories[0] ?? '')).filter((name) => name.startsWith('.portico')),
    [],
  );
});

test('a step trusts what this machine trusts, without the image keeping a setting', async () => {
  const { image, text, imageId } = await builder.build({
    dockerfileCommands: run('RUN python -m pip install --no-deps --target /tmp/there idna==3.10'),
  });
  assert.equal(image.state, READY, text);
  const { layerDirectories } = await builder.client.prepareFileSystem(
    { imageId, clientVersion: '', builderVersion: '' },
    { deadlineMs: 30_000 },
  );
  const top = layerDirectories[0] ?? '';
  const names = (await readdir(top, { recursive: true })).filter((name) => !/^(tmp|root|usr)(\/|$)/.test(name));
  assert.deepEqual(
    names.filter((name) => /pip|uv|\.crt|portico/.test(name)),
    [],
  );
});

test('a step reaches no service of this machine', async () => {
  const server = createServer((socket) => socket.end('inside')).listen(0, '0.0.0.0');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    const probe = await builder.build({
      dockerfileCommands: run(...probeSteps(port)),
    });
    assert.doesNotMatch(probe.text, /^reached/m, probe.text);
    assert.equal(probe.text.match(/^not reached/gm)?.length, 2, probe.text);
  } finally {
    server.close();
  }
});

function probeSteps(port: number): string[] {
  const program = [
    'import socket',
    'route = open("/proc/net/route").read().split("\\n")[1].split()[2]',
    'gateway = ".".join(str(int(route[i:i+2], 16)) for i in (6, 4, 2, 0))',
    'for host in ("127.0.0.1", gateway):',
    '    try:',
    `        socket.create_connection((host, ${port}), 2); print("reached", host)`,
    '    except OSError as error:',
    '        print("not reached", host, error)',
  ].join('\n');
  return [`RUN echo ${Buffer.from(program).toString('base64')} | base64 -d | python -`];
}

test('the build context has the files of the mount with their modes, and those that came along', async () => {
  const files = [
    { path: '/root/tool.sh', sha256Hex: await builder.upload('#!/bin/sh\necho tool ran\n'), mode: 0o755 },
    { path: '/root/data.txt', sha256Hex: await builder.upload('mounted data\n'), mode: 0o644 },
  ];
  const { image, text } = await builder.build({
    dockerfileCommands: run(
      'COPY . /',
      'COPY /.0_requirements.txt /req/',
      'RUN /root/tool.sh && cat /root/data.txt /req/.0_requirements.txt && stat -c %a /root/data.txt',
    ),
    contextMountFiles: files,
    contextFiles: [{ name: '/.0_requirements.txt', data: Buffer.from('flask\n') }],
  });
  assert.equal(image.state, READY, text);
  assert.match(text, /^tool ran\nmounted data\nflask\n644$/m);
});

for (const path of ['../../etc/cron.d/x', '/a/../../b', '/a/..']) {
  test(`a context file called ${path} is refused`, async () => {
    const { image } = await builder.build({
      dockerfileCommands: run('COPY . /'),
      contextFiles: [{ name: path, data: Buffer.from('x') }],
    });
    assert.equal(image.state, FAILED);
    assert.match(image.error, /leaves the build context/);
  });
}

test('uv comes out of an image that no registry had to give', async () => {
  const { image, text } = await builder.build({
    dockerfileCommands: run(
      'COPY --from=ghcr.io/astral-sh/uv:latest /uv /.uv/uv',
      'RUN /.uv/uv pip install --python $(command -v python) --compile-bytecode idna==3.10',
    ),
  });
  assert.equal(image.state, READY, text);
  assert.match(text, /idna==3\.10/);
});

test('a Python that is only to be had from a registry is refused with those that are there', async () => {
  const offline = await openBuilder({ PORTICO_REGISTRY_PROBE_MS: '100' });
  try {
    const { image } = await offline.build({
      dockerfileCommands: ['FROM python:3.12-alpine3.99', `RUN echo ${randomUUID()}`],
    });
    assert.equal(image.state, FAILED);
    assert.match(image.error, /can't be reached|could not be pulled/);
  } finally {
    await offline[Symbol.asyncDispose]();
  }
});

async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if ((await readFile(file).catch(() => Buffer.alloc(0))).includes(text)) found.push(file);
  }
  return found;
}

test('the Python of the offline base is where that of the official image is, and builds packages in C', async () => {
  const program =
    'import sys, sysconfig; print(sys.prefix, sysconfig.get_path("purelib"), sysconfig.get_path("include"))';
  const { image, text } = await builder.build({
    dockerfileCommands: run(
      'RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev',
      `RUN python -c '${program}' && python -m pip install --upgrade pip && python -m pip install --no-binary :all: markupsafe==3.0.2`,
      'RUN python -c "from markupsafe import _speedups; print(_speedups.__file__)" && test ! -e /usr/bin/python3',
    ),
  });
  assert.equal(image.state, READY, text);
  assert.match(
    text,
    /^\/usr\/local \/usr\/local\/lib\/python3\.11\/site-packages \/usr\/local\/include\/python3\.11$/m,
  );
  assert.match(text, /^\/usr\/local\/lib\/python3\.11\/site-packages\/markupsafe\/_speedups/m);
});
