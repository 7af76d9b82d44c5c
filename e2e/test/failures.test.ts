import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/failing.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(async () => {
  const reply = await ask(platform, 'local--failing-fine');
  await platform[Symbol.asyncDispose]();
  assert.equal(reply.status, 200, 'the platform is unharmed');
});

const inLogs = (text: RegExp): Promise<unknown> =>
  eventually(`the log says ${text}`, async () => text.test((await platform.modal('app', 'logs', 'failing')).output), {
    withinMs: 20_000,
  });

test('an import error reaches the waiting caller and the log', async () => {
  const reply = await ask(platform, 'local--failing-broken-import');
  assert.equal(reply.status, 500);
  assert.match(reply.text, /^modal-http: internal error: .*a_module_that_is_not_there/);
  await inLogs(/No module named 'a_module_that_is_not_there'/);
});

test('an exception in a handler is a 500, its traceback is in the log', async () => {
  assert.equal((await ask(platform, 'local--failing-raising')).status, 500);
  await inLogs(/ValueError: this handler always raises/);
});

test('a handler killed by its memory limit is told so, the log names the limit, and the next request is served', async () => {
  const reply = await ask(platform, 'local--failing-hungry');
  assert.deepEqual([reply.status, reply.text], [500, 'modal-http: internal error: function was terminated by signal']);
  await inLogs(/memory limit of 160 MiB/);
});

test('a handler that ends its process is a 500, and the container is replaced', async () => {
  assert.equal((await ask(platform, 'local--failing-leaving')).status, 500);
  await inLogs(/ended with exit code 3/);
  assert.equal((await ask(platform, 'local--failing-leaving')).status, 500);
});

test('a request over its timeout is a 500 that says so', async () => {
  const reply = await ask(platform, 'local--failing-stuck');
  assert.deepEqual([reply.status, reply.text], [500, 'modal-http: internal error: function execution timed out']);
});

test('a handler that calls sys.exit is a 500, and the next request is served', async () => {
  assert.equal((await ask(platform, 'local--failing-exiting', '/?leave=true')).status, 500);
  await inLogs(/enough of it/);
  assert.equal((await ask(platform, 'local--failing-exiting')).text, '{"here":true}');
});

test('a container whose event loop is stuck is replaced when its timeout is over', async () => {
  assert.equal((await ask(platform, 'local--failing-blocking')).status, 200);
  const reply = await ask(platform, 'local--failing-blocking', '/?block=true');
  assert.deepEqual([reply.status, reply.text], [500, 'modal-http: internal error: function execution timed out']);
  assert.equal((await ask(platform, 'local--failing-blocking')).text, '{"here":true}');
});

test('a package that does not exist fails the build with the command, its output and its exit code, and poisons nothing', async () => {
  const source = join(platform.home, 'missing.py');
  const app = (name: string) =>
    `import modal\nimage = modal.Image.debian_slim(python_version="3.11").pip_install("${name}")\napp = modal.App("missing")\n@app.function(image=image)\ndef f():\n    pass\n`;
  await writeFile(source, app('a-package-that-is-not-there-at-all'));
  for (let attempt = 0; attempt < 2; attempt++) {
    const failed = await platform.modal('deploy', source);
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.output, /No matching distribution found for a-package-that-is-not-there-at-all/);
    assert.match(failed.output, /exit code 1/);
  }
  await writeFile(source, app('flask'));
  const mended = await platform.modal('deploy', source);
  assert.equal(mended.exitCode, 0, mended.output);
});
