import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where a command is; undefined when it is missing. */
export function whichCommand(name: string): string | undefined {
  const found = spawnSync('sh', ['-c', `command -v "$0"`, name], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** Why an overlay cannot be mounted; undefined when it can. Tried, not guessed. */
export function overlayProblem(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'portico-doctor-'));
  try {
    const [tmpfs, ...parts] = ['fs', 'fs/lower', 'fs/upper', 'fs/work', 'fs/merged'].map((name) =>
      join(folder, name),
    ) as [string, ...string[]];
    mkdirSync(tmpfs);
    // On a tmpfs, so that only the kernel is judged and not what is below /tmp.
    const first = mount(['-t', 'tmpfs', 'tmpfs', tmpfs]);
    if (first) return first;
    for (const part of parts) mkdirSync(part);
    const [lower, upper, work, merged] = parts;
    const second = mount([
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      merged ?? '',
    ]);
    if (!second) spawnSync('umount', [merged ?? '']);
    spawnSync('umount', [tmpfs]);
    return second;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mount(args: readonly string[]): string | undefined {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  return status === 0 ? undefined : stderr.trim();
}

/** The cgroup controllers that limit containers, by hierarchy. */
export function cgroupControllers(): { version: 1 | 2 | 'hybrid'; controllers: readonly string[] } {
  const unified = readText('/sys/fs/cgroup/cgroup.controllers').trim().split(' ').filter(Boolean);
  if (unified.length > 0) return { version: 2, controllers: unified };
  const legacy = readText('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(' - cgroup '))
    .flatMap((line) => (line.split(' ').pop() ?? '').split(','));
  return { version: readText('/proc/self/mountinfo').includes(' - cgroup2 ') ? 'hybrid' : 1, controllers: legacy };
}

/** Free bytes on the file system that holds (or will hold) a path. */
export function freeBytesAt(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    if (path === '/') throw error;
    return freeBytesAt(dirname(path));
  }
}

/** Why a registry does not answer; undefined when it does, with whatever status. */
export async function registryProblem(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.status >= 500 ? `answers ${response.status}` : undefined;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
    return cause?.code ?? cause?.message ?? message;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
