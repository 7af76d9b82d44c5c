import { readFileSync, writeFileSync } from 'node:fs';
import type { Platform } from '@portico/testing';

/** A container as `./portico status --json` tells of it. */
export interface ContainerStatus {
  readonly containerId: string;
  readonly function: string;
  readonly state: string;
  readonly pid: number;
}

export async function containersOf(platform: Pick<Platform, 'portico'>, name: string): Promise<ContainerStatus[]> {
  const { output } = await platform.portico('status', '--json');
  const { containers } = JSON.parse(output) as { containers: ContainerStatus[] };
  return containers.filter((container) => container.function === name);
}

/** From now on, `peakMib` counts anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The most memory that the process has had since `forgetPeak`, in MiB. */
export function peakMib(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
