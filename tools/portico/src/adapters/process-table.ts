import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProcessIdentity } from '../plan.ts';

/** The identity of a live process; undefined when there is none (a zombie is none). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, startTicks: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTicks === startTicks;
}

/** Resident memory in bytes; 0 when it has gone. */
export function residentBytesOf(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  } catch {
    return 0;
  }
}

/** Ends a process that is not our child: SIGTERM, and SIGKILL after `graceMs`. */
export async function endProcess(process_: ProcessIdentity, graceMs: number): Promise<void> {
  if (!isAlive(process_)) return;
  signal(process_, 'SIGTERM');
  const end = Date.now() + graceMs;
  while (isAlive(process_)) {
    if (Date.now() > end) signal(process_, 'SIGKILL');
    await pause(50);
  }
}

function signal({ pid }: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has gone by itself.
  }
}
