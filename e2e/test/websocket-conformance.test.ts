import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { eventually, type Platform, repository, startPlatform } from '@portico/testing';
import { ask } from '../src/http.ts';
import { openWebSocket } from '../src/websocket.ts';
import { outcomeOf, play, type WebSocketCase } from '../src/websocket-case.ts';
import { websocketCases } from '../src/websocket-cases/all.ts';

const PAGE = join(repository, 'docs/websocket-conformance.md');
const BEGINNING = '<!-- written by e2e/test/websocket-conformance.test.ts from here on -->\n';
const AT_ONCE = 16;

let platform: Platform;

before(async () => {
  platform = await startPlatform();
  const deployed = await platform.modal('deploy', join(repository, 'e2e/apps/echoing.py'));
  assert.equal(deployed.exitCode, 0, deployed.output);
});

after(() => platform?.[Symbol.asyncDispose]());

/** Plays every case that is for this server, some at once; what went wrong, by case. */
async function failures(server: 'asgi' | 'server'): Promise<string[]> {
  const waiting = websocketCases.filter(({ only }) => only === undefined || only === server).toReversed();
  const failed: string[] = [];
  const one = async (): Promise<void> => {
    for (let each = waiting.pop(); each; each = waiting.pop()) {
      using socket = await openWebSocket(platform, `local--echoing-${server}`, '/', '', each.offers);
      try {
        await play(socket, each);
      } catch (error) {
        failed.push(`${each.section}: a client that ${each.does}: ${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return failed;
}

test('an ASGI app keeps every rule of the list', async () => assert.deepEqual(await failures('asgi'), []));

test('a web server on a port keeps every rule of the list, behind the router', async () =>
  assert.deepEqual(await failures('server'), []));

test('an app hears the code of who closes, and 1006 of who leaves without a close', async () => {
  const heard = async (): Promise<number[]> =>
    JSON.parse((await ask(platform, 'local--echoing-asgi', '/heard')).text) as number[];
  const before = (await heard()).filter((code) => code === 1006).length;
  const socket = await openWebSocket(platform, 'local--echoing-asgi');
  socket[Symbol.dispose]();
  await eventually(
    'the app has heard that it is gone',
    async () => (await heard()).filter((code) => code === 1006).length > before,
  );
});

/** PORTICO_WRITE_PAGES=1 writes the page anew. */
test('docs/websocket-conformance.md has every case with its outcome', async () => {
  const page = await readFile(PAGE, 'utf8');
  const [intro = '', table] = page.split(BEGINNING);
  const expected = tableOf(websocketCases);
  if (process.env['PORTICO_WRITE_PAGES'] === '1') await writeFile(PAGE, intro + BEGINNING + expected);
  else assert.equal(table, expected);
});

const SERVERS = { asgi: 'ASGI', server: 'web server' } as const;

function tableOf(all: readonly WebSocketCase[]): string {
  const rows = all.map((each) => {
    const of = each.only ? SERVERS[each.only] : 'both';
    return `| ${each.section} | ${each.does} | ${of} | ${outcomeOf(each)} |`;
  });
  return [
    '',
    `${all.length} cases.`,
    '',
    '| section | a client that … | with | outcome |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
