import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import type { Http2Case } from './http2-case.ts';
import { frameCases } from './http2-frame-cases.ts';
import { frameClient } from './http2-frames.ts';
import { messageCases } from './http2-message-cases.ts';
import { type SimulatedPlatform, simulatedPlatform } from './simulated-platform.ts';

const PAGE = join(import.meta.dirname, '../../../docs/http2-conformance.md');
const BEGINNING = '<!-- written by apps/router/test/conforms-to-http2.test.ts from here on -->\n';

const cases = [...frameCases, ...messageCases];
let platform: SimulatedPlatform;

before(async () => {
  platform = await simulatedPlatform({ streamsMax: 8 });
  await platform.container('ta-1', (request, response) => {
    request.resume();
    request.once('end', () => response.end('whole'));
  });
});

after(() => platform?.[Symbol.asyncDispose]());

for (const { section, does, sends, outcome, isBare } of cases) {
  test(`${section}: a client that ${does}: ${outcome}`, async () => {
    using client = frameClient(platform.port, !isBare);
    client.send(...sends);
    assert.equal(await client.outcome(outcome.startsWith('answered')), outcome);
  });
}

/** PORTICO_WRITE_PAGES=1 writes the page anew. */
test('docs/http2-conformance.md has every case with its outcome', async () => {
  const page = await readFile(PAGE, 'utf8');
  const [intro = '', table] = page.split(BEGINNING);
  const expected = tableOf(cases);
  if (process.env['PORTICO_WRITE_PAGES'] === '1') await writeFile(PAGE, intro + BEGINNING + expected);
  else assert.equal(table, expected);
});

function tableOf(all: readonly Http2Case[]): string {
  const rows = all.map(
    ({ section, does, outcome, asked }) => `| ${section} | ${does} | ${outcome} | ${asked ?? 'the same'} |`,
  );
  const differing = all.filter(({ asked }) => asked !== undefined).length;
  return [
    '',
    `${all.length} cases; in ${all.length - differing} the outcome is what the section asks for.`,
    '',
    '| section | a client that … | outcome | asked for |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
