import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** The checkout that these checks are part of. */
export const root = join(import.meta.dirname, '../../..');

/** Every file that is or would be committed, relative to the root. */
export function projectFiles(pattern: RegExp): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return output.split('\n').filter((file) => pattern.test(file) && exists(file));
}

function exists(file: string): boolean {
  try {
    readFileSync(join(root, file));
    return true;
  } catch {
    return false;
  }
}

export function readProjectFile(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The repository once more, to be spoilt: its own sources, and the packages of the real one. */
export interface RepositoryCopy extends Disposable {
  readonly folder: string;
  /** Runs a program of node_modules/.bin there; `output` is all that it prints. */
  run(program: string, ...args: string[]): { status: number; stdout: string; output: string };
}

export function copyRepository(): RepositoryCopy {
  const folder = mkdtempSync(join(tmpdir(), 'portico-copy-'));
  for (const file of projectFiles(/./)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  linkPackages(folder);
  // The wheel that the client's protocol is generated from.
  symlinkSync(join(root, '.toolchain'), join(folder, '.toolchain'));
  return {
    folder,
    run(program, ...args) {
      const path = `${dirname(process.execPath)}:${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;
      const env = {
        ...process.env,
        PATH: path,
        NX_DAEMON: 'false',
        NX_TUI: 'false',
        NX_WORKSPACE_ROOT_PATH: folder,
        NO_COLOR: '1',
      };
      for (const name of Object.keys(env))
        if (/^(NX_TASK|NX_INVOKED|NX_CLI|NODE_TEST|NX_LOAD)/.test(name)) delete env[name as keyof typeof env];
      const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), args, {
        cwd: folder,
        env,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      return { status: status ?? 1, stdout, output: stdout + stderr };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Packages from outside by link; the workspace's own projects must be those of the copy. */
function linkPackages(folder: string): void {
  const packages = join(root, 'node_modules');
  mkdirSync(join(folder, 'node_modules', '@portico'), { recursive: true });
  for (const name of readdirSync(packages)) {
    if (name !== '@portico' && name !== '.cache') symlinkSync(join(packages, name), join(folder, 'node_modules', name));
  }
  for (const file of projectFiles(/^[^/]+(\/[^/]+)?\/package\.json$/)) {
    const { name } = JSON.parse(readProjectFile(file)) as { name: string };
    symlinkSync(join(folder, dirname(file)), join(folder, 'node_modules', name));
  }
}
