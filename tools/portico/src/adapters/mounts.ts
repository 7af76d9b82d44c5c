import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Every mount point below a folder, the innermost first. */
export function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((point) => point.startsWith(`${folder}/`))
    .reverse();
}

/** Takes them all away, even those that are in use. */
export function unmountBelow(folder: string): void {
  for (const point of mountsBelow(folder)) spawnSync('umount', ['--lazy', point], { stdio: 'ignore' });
}
