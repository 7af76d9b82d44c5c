import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Finished, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

let platform: Platform;
let source: string;
let first: Finished;

before(async () => {
  platform = await startPlatform();
  const folder = join(platform.home, 'layered');
  source = join(folder, 'layered.py');
  await mkdir(join(folder, 'assets/deep'), { recursive: true });
  await mkdir(join(folder, 'picture'));
  await writeFile(source, await readFile(join(repository, 'e2e/apps/layered.py')));
  await writeFile(join(folder, 'notes.txt'), 'a note\n');
  await writeFile(join(folder, 'assets/deep/a.txt'), 'an asset\n');
  await writeFile(join(folder, 'picture/__init__.py'), 'NAME = "picture"\n');
  first = await platform.modal('deploy', source);
  assert.equal(first.exitCode, 0, first.output);
});

after(() => platform?.[Symbol.asyncDispose]());

test('a container sees what every kind of layer has put into its image', async () => {
  const { status, text } = await ask(platform, 'local--layered-inside');
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(text), {
    files: {
      '/srv/site/made.txt': 'made',
      '/srv/site/sub/two.txt': 'two',
      '/srv/site/seen-by-a-step.txt': 'a note',
      '/mounted/notes.txt': 'a note',
      '/mounted/assets/deep/a.txt': 'an asset',
    },
    colour: 'blue',
    folder: '/srv/site',
    tree: 0,
    iniconfig: '2.0.0',
    package: 'picture',
  });
});

test('an image may pin servers of years ago', async () => {
  const { status, text } = await ask(platform, 'local--layered-pinned');
  assert.equal(status, 200, text);
  assert.deepEqual(JSON.parse(text), { uvicorn: '0.15.0', h11: '0.12.0', starlette: '0.17.1' });
});

test('the log of a build reaches the client, and a second deploy builds nothing', async () => {
  assert.match(first.output, /Built image im-/);
  assert.match(first.output, /iniconfig==2\.0\.0/);
  // A changed file that is mounted makes a new version of the app, not of the image.
  await writeFile(join(platform.home, 'layered/assets/deep/a.txt'), 'another asset\n');
  const again = await platform.modal('deploy', source);
  assert.equal(again.exitCode, 0, again.output);
  assert.doesNotMatch(again.output, /=> Step|Built image/);
  await eventually('the new version answers', async () => {
    const { text } = await ask(platform, 'local--layered-inside');
    return (
      (JSON.parse(text) as { files: Record<string, string> }).files['/mounted/assets/deep/a.txt'] === 'another asset'
    );
  });
});

test('a token works until it is revoked', async () => {
  const created = await platform.portico('token', 'create', '--name', 'ci');
  const given = Object.fromEntries(
    [...created.output.matchAll(/export (\w+)=(\S+)/g)].map(([, key, value]) => [key, value]),
  );
  const listed = (): Promise<Finished> => platform.modalAs(given, 'app', 'list');
  assert.equal((await listed()).exitCode, 0);
  const revoked = await platform.portico('token', 'revoke', given['MODAL_TOKEN_ID'] ?? '');
  assert.equal(revoked.exitCode, 0, revoked.output);
  const refused = await listed();
  assert.notEqual(refused.exitCode, 0);
  assert.match(refused.output, /token/i);
});

test('an option without an effect is told in the terminal, once', async () => {
  const ignoring = join(platform.home, 'layered/ignoring.py');
  await writeFile(
    ignoring,
    `import modal
app = modal.App("ignoring")
image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]")

@app.function(image=image, gpu="T4", region="eu")
@modal.fastapi_endpoint()
def web():
    return "in spite of it"
`,
  );
  const { exitCode, output } = await platform.modal('deploy', ignoring);
  assert.equal(exitCode, 0, output);
  for (const option of ['gpu= is ignored', 'region= are ignored']) assert.equal(output.split(option).length, 2, output);
  assert.equal((await ask(platform, 'local--ignoring-web')).text, '"in spite of it"');
});
