import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const PROGRAMS = ['/bin/sh', '/bin/sleep', '/bin/cat', '/bin/head', '/bin/ls', '/bin/ln', '/usr/bin/tail'];

/** A root file system with a shell, made of this machine's own files. */
export function makeTinyRoot(folder: string): void {
  for (const program of PROGRAMS) copyProgram(program, folder);
  for (const name of ['proc', 'dev', 'sys', 'tmp', 'etc/ssl/certs', 'root', '__portico/run'])
    mkdirSync(join(folder, name), { recursive: true });
}

/**
 * The same with Perl, which every Debian has: small servers and clients can be written in it. What
 * stands for Python there runs the shell program in the variable PROGRAM. Made once for a process.
 */
export function tinyImage(): string {
  made ??= makeTinyImage();
  return made;
}

let made: string | undefined;

function makeTinyImage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pi-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  makeTinyRoot(folder);
  copyProgram('/usr/bin/perl', folder);
  const modules = execFileSync('/usr/bin/perl', ['-e', 'print grep { /perl-base$/ } @INC'], { encoding: 'utf8' });
  cpSync(modules, join(folder, modules), { recursive: true, dereference: true });
  const python = join(folder, 'usr/bin/python3');
  writeFileSync(python, '#!/bin/sh\nexec /bin/sh -c "$PROGRAM"\n');
  chmodSync(python, 0o755);
  return folder;
}

function copyProgram(program: string, folder: string): void {
  copy(program, folder);
  for (const [, library] of execFileSync('ldd', [realpathSync(program)], { encoding: 'utf8' }).matchAll(/(\/\S+)/g))
    copy(library ?? '', folder);
}

function copy(file: string, folder: string): void {
  const target = join(folder, file);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(file), target);
}
