import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { projectFiles, readProjectFile, root } from '../src/repository.ts';

const SOURCES = /^(apps|libs|tools|e2e)\/.*(?<!\.test)\.ts$/;
const LINES_MAX = 300;

function matchesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

test('every error code is in docs/errors.md, and every code there is in the sources', () => {
  const thrown = new Set(
    projectFiles(SOURCES).flatMap((file) =>
      matchesIn(readProjectFile(file), /DomainError\(\s*'[a-z-]+',\s*'([a-z_]+\.[a-z_]+)'/g),
    ),
  );
  assert.ok(thrown.size > 10);
  const documented = new Set(matchesIn(readProjectFile('docs/errors.md'), /^\|\s*`([a-z_]+\.[a-z_]+)`/gm));
  assert.deepEqual([...thrown].filter((code) => !documented.has(code)).sort(), [], 'not in docs/errors.md');
  assert.deepEqual([...documented].filter((code) => !thrown.has(code)).sort(), [], 'nowhere in the sources');
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
  const documented = new Set(matchesIn(readProjectFile('docs/metrics.md'), /^\|\s*`([a-z0-9_.]+)`/gm));
  assert.deepEqual([...made].sort(), [...documented].sort());
});

test('every setting that a project reads is in its README', () => {
  const missing = projectFiles(/^(apps|libs|tools)\/[^/]+\/src\/(.*\/)?(config|common-config|env)\.ts$/).flatMap(
    (file) => {
      const readme = join(file.split('/').slice(0, 2).join('/'), 'README.md');
      const text = existsSync(join(root, readme)) ? readProjectFile(readme) : '';
      const names = matchesIn(
        readProjectFile(file),
        /\.(?:text|optionalText|integer|port|choice)(?:<[^>]*>)?\(\s*'([A-Z][A-Z0-9_]+)'/g,
      );
      return names.filter((name) => !text.includes(`\`${name}\``)).map((name) => `${readme} lacks ${name}`);
    },
  );
  assert.deepEqual(missing, []);
});

test('every file that the two path pages name exists', () => {
  for (const page of ['docs/request-path.md', 'docs/deploy-path.md']) {
    const named = matchesIn(readProjectFile(page), /`((?:apps|libs|proto|tools|infra|e2e)\/[^`\s]+\.\w+)`/g);
    assert.ok(named.length >= 5, `${page} names the files of its steps, each from the root of the repository`);
    assert.deepEqual(
      named.filter((file) => !existsSync(join(root, file))),
      [],
      page,
    );
  }
});

test('every app, lib and tool has a README of one page', () => {
  const projects = projectFiles(/^(apps|libs|tools)\/[^/]+\/project\.json$/).map((file) => dirname(file));
  const lengthOf = (project: string) => {
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

test('no source file has more than 300 lines', () => {
  const sources = projectFiles(/\.(ts|js|py|sh|proto)$|^portico$/);
  const long = sources.filter((file) => readProjectFile(file).split('\n').length - 1 > LINES_MAX);
  assert.deepEqual(long, []);
});

test('nothing that is made stays in the repository', () => {
  assert.deepEqual(projectFiles(/\/(gen|dist|node_modules|__pycache__)\//), []);
});
