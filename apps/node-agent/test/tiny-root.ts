import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PROGRAMS = ['/bin/sh', '/bin/sleep', '/bin/cat', '/bin/head', '/usr/bin/tail'];

/** A root file system with a shell, made of this machine's own files. */
export function makeTinyRoot(folder: string): void {
  for (const program of PROGRAMS) {
    copy(program, folder);
    for (const [, library] of execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' }).matchAll(/(\/\S+)/g))
      copy(library ?? '', folder);
  }
  for (const name of ['proc', 'dev', 'sys', 'tmp', 'etc']) mkdirSync(join(folder, name), { recursive: true });
}

function copy(file: string, folder: string): void {
  const target = join(folder, file);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(file), target);
}
