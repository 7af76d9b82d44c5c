import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

export function residentBytes(id: number): number {
  return Number(readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

export function descriptorsOf(id: number): number {
  return readdirSync(`/proc/${id}/fd`).length;
}
