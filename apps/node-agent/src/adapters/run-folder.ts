import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

/**
 * The part of a container's folder that it shares: its door, its events, its web sockets. What node-agent
 * trusts lies outside. No symbolic link is followed there, or a container could lead the router,
 * or node-agent itself, to other files and sockets of the machine.
 */
export function runFolderOf(dir: string): string {
  return join(dir, 'r');
}

export async function mountRunFolder(dir: string): Promise<void> {
  const path = runFolderOf(dir);
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=711,size=64m,nosuid,nodev,noexec,nosymfollow', 'portico', path]);
}
