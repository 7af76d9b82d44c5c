import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';
import { checkStart } from '../src/check-start.ts';
import { type Config, readConfig } from '../src/config.ts';
import { runCommand } from '../src/run-command.ts';

function configOf(env: Record<string, string>): Config {
  return readConfig({
    PORTICO_HOME: '/p',
    PORTICO_HTTP_PORT: '1',
    PORTICO_SDK_PORT: '2',
    PORTICO_API_PORT: '3',
    ...env,
  });
}

test('a taken port is named with its setting and its holder', async () => {
  await using server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await assert.rejects(checkStart(configOf({ PORTICO_HTTP_PORT: String(port) })), {
    message: new RegExp(
      `^Port ${port} \\(public requests\\) is taken by .* \\(process ${process.pid}\\): .*PORTICO_HTTP_PORT`,
    ),
  });
});

test('equal ports and a home that is too long for sockets are refused', async () => {
  await assert.rejects(checkStart(configOf({ PORTICO_API_PORT: '2' })), { message: /must be three different ports/ });
  await assert.rejects(checkStart(configOf({ PORTICO_HOME: `/${'x'.repeat(80)}` })), {
    message: /at least \d+ bytes shorter/,
  });
  await assert.rejects(checkStart(configOf({ PORTICO_HOME: 'relative' })), { message: /absolute path/ });
});

test('wrong settings, commands and flags end with exit code 1', async () => {
  assert.equal(await runCommand(['env'], { PORTICO_SDK_PORT: 'many' }), 1);
  assert.equal(await runCommand(['dance'], {}), 1);
  assert.equal(await runCommand(['status', '--verbose'], {}), 1);
  assert.equal(await runCommand(['status', 'now'], {}), 1);
});

test("of the caller's environment only what services need is passed on", () => {
  const { passedOn } = readConfig({
    PATH: '/bin',
    MODAL_TOKEN_SECRET: 's',
    PIP_INDEX_URL: 'i',
    PORTICO_X: 'y',
    EDITOR: 'e',
  });
  assert.deepEqual(passedOn, { PATH: '/bin', PIP_INDEX_URL: 'i', PORTICO_X: 'y' });
});
