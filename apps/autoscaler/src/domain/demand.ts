import type { control } from '@portico/contracts';
import type { Demand } from './place.ts';

const DEFAULT_MEMORY_BYTES = 128 * 1024 * 1024;
const DEFAULT_CPU_MILLIS = 125;

/** What a container of a pool asks of its node. */
export function demandOf({ resources }: control.PoolSpec): Demand {
  return {
    cpuMillis: resources?.cpuMillis || DEFAULT_CPU_MILLIS,
    memoryBytes: Number(resources?.memoryBytes ?? 0n) || DEFAULT_MEMORY_BYTES,
  };
}
