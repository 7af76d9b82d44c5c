import type { StartFailures } from './pool-state.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** When a pool whose starts fail may try again: 1 s after the first failure, doubling up to a minute. */
export function nextStartMs({ count, lastMs }: StartFailures): number {
  return count === 0 ? 0 : lastMs + Math.min(FIRST_MS * 2 ** (count - 1), LONGEST_MS);
}
