// Lints the protos, and compares them with those of the last commit: what is stored and sent must stay readable.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '../../..');
const buf = join(root, 'node_modules/.bin/buf');

function run(command: string, args: readonly string[], cwd: string): number {
  return spawnSync(command, args, { cwd, stdio: 'inherit' }).status ?? 1;
}

const isCommitted =
  spawnSync('git', ['cat-file', '-e', 'HEAD:proto/buf.yaml'], { cwd: root, stdio: 'ignore' }).status === 0;
const lint = run(buf, ['lint'], join(root, 'proto'));
const breaking = isCommitted
  ? run(buf, ['breaking', 'proto', '--against', `${join(root, '.git')}#subdir=proto`], root)
  : 0;
process.exitCode = lint || breaking;
