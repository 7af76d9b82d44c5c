// Runs the tests of one project from their sources: node run-tests.ts <project folder>
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';

const project = resolve(process.argv[2] ?? '.');
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: project }).sort();

if (files.length === 0) {
  process.stdout.write('no tests\n');
} else {
  const { status } = spawnSync(
    process.execPath,
    [
      '--conditions=@portico/source',
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=2',
      '--test-timeout=600000',
      ...files.map((file) => join(project, file)),
    ],
    { cwd: project, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
}
