import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeRows, codeSpans } from '../src/pages.ts';
import { projectFiles, readProjectFile, root } from '../src/repository.ts';
import { namesInText, projectSettings } from '../src/settings.ts';

const PAGE = 'docs/operate.md';
const RUNNER = 'apps/container-runner/portico_runner/settings.py';

const settings = await projectSettings();
const rows = codeRows(PAGE).filter(({ code }) => /^(PORTICO|OTEL)_[A-Z_]+$/.test(code));
const plain = (cell = ''): string => cell.replaceAll('`', '');

test('every setting that a project reads is in its README', () => {
  const inText = projectFiles(/^libs\/[^/]+\/src\/.*\.ts$/).map((file) => ({
    project: file.split('/').slice(0, 2).join('/'),
    names: namesInText(file),
  }));
  const all = [...settings, ...inText, { project: 'apps/container-runner', names: namesInText(RUNNER) }];
  assert.ok(settings.length >= 8);
  const missing = all.flatMap(({ project, names }) => {
    const written = new Set([...names].length > 0 ? codeSpans(readProjectFile(join(project, 'README.md'))) : []);
    return [...names]
      .filter((name) => ![...written].some((code) => code.split('=')[0] === name))
      .map((name) => `${project}/README.md lacks ${name}`);
  });
  assert.deepEqual(missing, []);
});

test(`every setting is in the tables of ${PAGE}, and every one there is read`, () => {
  const read = new Set([...settings.flatMap(({ names }) => [...names]), ...namesInText(RUNNER)]);
  const documented = new Set(rows.map(({ code }) => code));
  assert.equal(documented.size, rows.length, 'a setting has two rows');
  assert.deepEqual([...documented].sort(), [...read].sort());
});

test(`bounds and choices in ${PAGE} are those of the code`, () => {
  const wrong = rows.flatMap(({ code, cells }) => {
    const readers = settings.filter(({ names }) => names.has(code));
    const bounds = new Set(readers.flatMap((reader) => reader.bounds.get(code) ?? []));
    const written = plain(cells[2]);
    return [...bounds].filter((text) => text !== written).map((text) => `${code}: ${text}, not ${written}`);
  });
  assert.deepEqual(wrong, []);
});

test(`defaults in ${PAGE} are those of the code`, () => {
  const wrong = rows.flatMap(({ code, cells }) => {
    const written = /^`([^`]+)`/.exec(cells[0] ?? '')?.[1];
    if (written === undefined) return [];
    const value = written.replace('$PORTICO_HOME', '/var/lib/portico').replace(/^(?=apps\/)/, `${root}/`);
    return settings
      .filter(({ names, isDefault }) => names.has(code) && !isDefault(code, value))
      .map(({ project }) => `${code} in ${project} is not ${written} by default`);
  });
  assert.ok(rows.filter(({ cells }) => cells[0]?.startsWith('`')).length > 20, 'defaults are written as code');
  assert.deepEqual(wrong, []);
});
