const FIRST_MS = 50;
const LONGEST_MS = 10_000;
const STABLE_MS = 30_000;

/** How often in a row a process has failed, given how long it ran this time. */
export function failuresAfter(failures: number, ranMs: number): number {
  return ranMs >= STABLE_MS ? 1 : failures + 1;
}

/** How long to wait before the next start. The first restart is at once: requests may be waiting. */
export function restartDelayMs(failures: number): number {
  return Math.min(FIRST_MS * 2 ** Math.max(0, failures - 1), LONGEST_MS);
}
