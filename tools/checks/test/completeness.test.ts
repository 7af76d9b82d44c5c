import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectFiles, readProjectFile } from '../src/repository.ts';

const LINES_MAX = 300;

test('no source file has more than 300 lines', () => {
  const sources = projectFiles(/\.(ts|js|py|sh|proto)$|^portico$/);
  const long = sources.filter((file) => readProjectFile(file).split('\n').length - 1 > LINES_MAX);
  assert.deepEqual(long, []);
});

test('nothing that is made stays in the repository', () => {
  assert.deepEqual(projectFiles(/\/(gen|dist|node_modules|__pycache__)\//), []);
});
