import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

export function residentBytes(id: number): number {
  return Number(readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

/** The kernel counts in hundredths of a second for everybody (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** Seconds of a core that a process has used, all its threads together. */
export function coreSecondsOf(id: number): number {
  const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const [user, system] = [fields[11], fields[12]];
  return (Number(user) + Number(system)) / TICKS_PER_SECOND;
}

export function childrenOf(id: number): number[] {
  return readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

export function descriptorsOf(id: number): number {
  return readdirSync(`/proc/${id}/fd`).length;
}
