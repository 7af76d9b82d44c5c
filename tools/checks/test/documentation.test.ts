import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { codeRows, codeSpans, matchesIn } from '../src/pages.ts';
import { projectFiles, readProjectFile, root } from '../src/repository.ts';

const SOURCES = /^(apps|libs|tools|e2e)\/.*(?<!\.test)\.ts$/;
const pages = projectFiles(/\.md$/);

/** `'kind', 'area.code'`; the kind may be computed, and the code may be the last resort of an expression. */
const THROWN = /DomainError\(\s*(?:'([a-z-]+)'|[\w.]+),\s*(?:\([^'()]*)?'([a-z_]+\.[a-z_]+)'/g;
const ERROR_CODE = /^[a-z_]+\.[a-z_]+$/;

/** Every error code of the sources with its kinds; undefined stands for one that is computed. */
function thrownErrors(): Map<string, Set<string | undefined>> {
  const thrown = new Map<string, Set<string | undefined>>();
  for (const file of projectFiles(SOURCES)) {
    for (const [, kind, code = ''] of readProjectFile(file).matchAll(THROWN))
      thrown.set(code, (thrown.get(code) ?? new Set()).add(kind));
  }
  return thrown;
}

function statusTable(name: string): Map<string, string> {
  const text = readProjectFile('libs/errors/src/tables.ts').split(`${name}:`)[1]?.split('};')[0] ?? '';
  return new Map(
    [...text.matchAll(/^ {2}'?([a-z-]+)'?: (\d+),/gm)].map(([, kind = '', status = '']) => [kind, status]),
  );
}

test('every error code is in docs/errors.md, and every code there is in the sources', () => {
  const thrown = [...thrownErrors().keys()];
  assert.ok(thrown.length > 10);
  const documented = codeRows('docs/errors.md')
    .map(({ code }) => code)
    .filter((code) => ERROR_CODE.test(code));
  assert.equal(new Set(documented).size, documented.length, 'a code has two rows');
  assert.deepEqual(documented.toSorted(), thrown.toSorted());
});

test('docs/errors.md gives every code the kinds and statuses that it has', () => {
  const [thrown, grpc, http] = [thrownErrors(), statusTable('grpcStatusOf'), statusTable('httpStatusOf')];
  assert.equal(grpc.size, 13);
  const wrong = codeRows('docs/errors.md').flatMap(({ code, cells }) => {
    const kinds = [...(thrown.get(code) ?? [])];
    if (kinds.length === 0 || kinds.includes(undefined)) return [];
    const expected = kinds.map((kind = '') => `${kind} ${grpc.get(kind)} (${http.get(kind)})`).sort();
    const written = (cells[0] ?? '').split(' / ').sort();
    return expected.join() === written.join() ? [] : [`${code}: ${expected.join(' / ')}`];
  });
  assert.deepEqual(wrong, []);
});

test("every answer of the router's own is in docs/errors.md, and every one there is in the sources", () => {
  const text = readProjectFile('apps/router/src/domain/answers.ts');
  const made = [...text.matchAll(/answer\((\d{3}), ['`]([^'`]*)['`]/g)]
    .map(([, status, sentence = '']) => `${status} ${sentence.replace(/\$\{.*/, '…')}`)
    .sort();
  const documented = [...readProjectFile('docs/errors.md').matchAll(/^\| (\d{3}) \| `([^`]*)`/gm)]
    .map(([, status, sentence]) => `${status} ${sentence}`)
    .sort();
  assert.ok(made.length > 10);
  assert.deepEqual(documented, made);
});

test('every metric is in docs/metrics.md, and every one there is in the sources', () => {
  const made = new Set(
    projectFiles(SOURCES).flatMap((file) =>
      matchesIn(
        readProjectFile(file),
        /\.create(?:Observable)?(?:Gauge|Counter|UpDownCounter|Histogram)\(\s*'([a-z0-9_.]+)'/g,
      ),
    ),
  );
  const documented = new Set(codeRows('docs/metrics.md').map(({ code }) => code));
  assert.deepEqual([...made].sort(), [...documented].sort());
});

test('every step of the two path pages names the file that does it, and it exists', () => {
  for (const page of ['docs/request-path.md', 'docs/deploy-path.md']) {
    const steps = readProjectFile(page)
      .split(/^(?=\d+\. )/m)
      .slice(1);
    assert.ok(steps.length >= 5, `${page} has five steps or more`);
    const filesOf = (step: string): string[] =>
      codeSpans(step).filter((code) => /^(apps|libs|proto|tools|infra|e2e)\/\S+\.\w+$/.test(code));
    assert.deepEqual(
      steps.filter((step) => filesOf(step).length === 0),
      [],
      `${page}: steps without a file`,
    );
    assert.deepEqual(
      steps.flatMap(filesOf).filter((file) => !existsSync(join(root, file))),
      [],
      `${page}: files that do not exist`,
    );
  }
});

test('every file, folder and page that a page names exists', () => {
  const lost = pages.flatMap((page) => {
    const text = readProjectFile(page);
    const here = dirname(page);
    const fromRoot = codeSpans(text).filter((code) =>
      /^(apps|libs|proto|tools|infra|e2e|examples)\/[\w./-]+$/.test(code),
    );
    const fromHere = here.includes('/')
      ? codeSpans(text).filter((code) => /^(src|test|tests|runtime)\/[\w./-]+$/.test(code) && !code.includes('gen'))
      : [];
    const links = matchesIn(text, /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g);
    return [
      ...fromRoot.filter((path) => !existsSync(join(root, path))),
      ...[...fromHere, ...links].filter((path) => !existsSync(join(root, here, path))),
    ].map((path) => `${page}: ${path}`);
  });
  assert.deepEqual(lost, []);
});

test('every command of ./portico that a page names is one, and all are in docs/operate.md', () => {
  const known = new Set(matchesIn(readProjectFile('infra/setup/usage.txt'), /^ {2}([a-z]+) /gm));
  const named = pages.flatMap((page) =>
    matchesIn(readProjectFile(page), /\.\/portico ([a-z]+)/g).map((command) => ({ page, command })),
  );
  assert.deepEqual(
    named.filter(({ command }) => !known.has(command) && command !== 'help'),
    [],
  );
  const described = new Set(matchesIn(readProjectFile('docs/operate.md'), /^\| `\.\/portico ([a-z]+)/gm));
  assert.deepEqual([...described].sort(), [...known].sort());
});

test('every project has a README of one page', () => {
  const projects = projectFiles(/^([^/]+\/)?[^/]+\/project\.json$/).map((file) => dirname(file));
  assert.ok(projects.length > 20);
  const lengthOf = (project: string): number => {
    const readme = join(project, 'README.md');
    return existsSync(join(root, readme)) ? readProjectFile(readme).split('\n').length : 0;
  };
  assert.deepEqual(
    projects.filter((project) => lengthOf(project) === 0),
    [],
    'no README.md',
  );
  assert.deepEqual(
    projects.filter((project) => lengthOf(project) > 80),
    [],
    'README.md is longer than a page',
  );
});

test('every decision says what, why, how, at what price and instead of what', () => {
  const decisions = projectFiles(/^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/).sort();
  assert.ok(decisions.length >= 6);
  const incomplete = decisions.filter((page) => {
    const parts = matchesIn(readProjectFile(page), /^\*\*(\w+)\.\*\* /gm);
    return parts.join(' ') !== 'Summary Why Design Drawbacks Alternatives';
  });
  assert.deepEqual(incomplete, []);
  const numbers = decisions.map((page) => Number(/(\d{4})/.exec(page)?.[1]));
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});
