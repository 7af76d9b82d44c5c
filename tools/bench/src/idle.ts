import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startPlatform } from '@portico/testing';
import { residentBytes } from './processes.ts';

const SECONDS = 10;
const TICKS_PER_SECOND = 100;

/** What all processes of a platform need together. */
export interface Idle {
  readonly residentMiB: number;
  readonly corePercent: number;
}

/** A platform of its own, without telemetry and without apps, as a new one is. */
export async function measureIdle(): Promise<Idle> {
  await using platform = await startPlatform();
  const ids = [...(await platform.processIds()).values()];
  // What starting has left to do ends before.
  await pause(SECONDS * 1_000);
  const before = ticksOf(ids);
  await pause(SECONDS * 1_000);
  const corePercent = ((ticksOf(ids) - before) / TICKS_PER_SECOND / SECONDS) * 100;
  const residentMiB = ids.reduce((sum, id) => sum + residentBytes(id), 0) / 1024 ** 2;
  return { residentMiB, corePercent };
}

/** User and system time together. */
function ticksOf(ids: readonly number[]): number {
  return ids.reduce((sum, id) => {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}
