// Runs the tests of one project from their sources: node run-tests.ts <project folder>
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';

const project = resolve(process.argv[2] ?? '.');
/** A test that hangs must not hold up whoever waits for all of them. */
const PROJECT_TIMEOUT_MS = 25 * 60_000;

const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: project }).sort();

if (files.length === 0) {
  process.stdout.write('no tests\n');
} else {
  const { status, error } = spawnSync(
    process.execPath,
    [
      '--conditions=@portico/source',
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=2',
      '--test-timeout=420000',
      ...files.map((file) => join(project, file)),
    ],
    { cwd: project, stdio: 'inherit', timeout: PROJECT_TIMEOUT_MS },
  );
  if (error) process.stderr.write(`The tests of ${project} did not end by themselves: ${error.message}\n`);
  process.exitCode = status ?? 1;
}
