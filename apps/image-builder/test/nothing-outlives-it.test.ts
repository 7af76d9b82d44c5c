import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { test } from 'node:test';
import { imageBuilder } from '@portico/contracts';
import { connectGrpc } from '@portico/grpc';
import { socketOf } from '@portico/service';
import { eventually, natsServer } from '@portico/testing';
import { PYTHON, READY } from './builder.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');

test('a builder that is killed leaves no process and no mount, and its successor finishes the build', async () => {
  await using opened = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'pib-'));
  opened.defer(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'run'));
  const nats = opened.use(await natsServer());
  const { url, passwordFile } = nats.optionsOf('image-builder');
  const settings = { PORTICO_HOME: home, PORTICO_NATS_URL: url, PORTICO_NATS_PASSWORD_FILE: passwordFile };
  const start = (): ReturnType<typeof spawn> =>
    spawn(execPath, ['--conditions=@portico/source', MAIN], { env: { ...env, ...settings }, stdio: 'ignore' });
  const address = `unix://${socketOf(home, 'image-builder')}`;
  const client = opened.use(connectGrpc(imageBuilder.ImageServiceService, address));
  const recipe = imageBuilder.Recipe.create({
    // Long the first time, so that the kill finds it running.
    dockerfileCommands: [`FROM ${PYTHON}`, `RUN sleep 3; echo ${randomUUID()}`],
    builderVersion: '2025.06',
  });

  const first = start();
  const { imageId } = await client.ensureImage(
    { recipe, forceBuild: false, ignoreCache: false, appId: '' },
    { deadlineMs: 60_000 },
  );
  await eventually('the step runs', async () => (await processesNaming(home)).some((line) => line.includes('runc')), {
    withinMs: 120_000,
  });
  first.kill('SIGKILL');
  await once(first, 'exit');
  await eventually('every process is gone', async () => (await processesNaming(home)).length === 0);
  assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(home));

  const second = start();
  opened.defer(async () => {
    second.kill('SIGTERM');
    await once(second, 'exit');
  });
  const request = { imageId, afterEntry: 0n, timeoutMs: 60_000, includeFinished: true };
  const answers = await Array.fromAsync(client.watchBuild(request, { deadlineMs: 120_000 }));
  assert.equal(answers.at(-1)?.image?.state, READY);
  assert.deepEqual(await readdir(join(home, 'images/builds')), []);
});

async function processesNaming(text: string): Promise<string[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(numbers.map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
  return lines
    .map((line) => line.replaceAll('\0', ' '))
    .filter((line) => line.includes(text) && !line.includes('nats'));
}
