import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, repository, startPlatform, untilPrinted } from '@portico/testing';
import { ask } from '../src/http.ts';

test('modal serve: a -dev URL, the container in the terminal, live edits, gone after Ctrl-C', async () => {
  await using platform = await startPlatform();
  const source = join(platform.home, 'serving.py');
  const text = await readFile(join(repository, 'e2e/apps/serving.py'), 'utf8');
  await writeFile(source, text);
  const client = platform.startModal('serve', source);
  await untilPrinted(client, /local--serving-live-dev\.localhost/);
  // The client prints the address before it publishes the app.
  await eventually(
    'the app is published',
    async () => (await ask(platform, 'local--serving-live-dev')).text === '{"version":1}',
  );
  await untilPrinted(client, 'a line from the container');
  await writeFile(source, text.replace('"version": 1', '"version": 2'));
  await eventually(
    'the edit answers',
    async () => (await ask(platform, 'local--serving-live-dev')).text === '{"version":2}',
    { withinMs: 30_000 },
  );
  client.child.kill('SIGINT');
  const { exitCode } = await client.finished;
  assert.ok(exitCode === 0 || exitCode === 1 || exitCode === 130, client.output());
  await eventually('the URL is gone', async () => {
    const { status, text: body } = await ask(platform, 'local--serving-live-dev');
    return status === 404 && body === 'modal-http: invalid function call';
  });
});
