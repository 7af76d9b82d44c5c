/** The highest of a series of values within a sliding window. */
export interface Peaks {
  note(value: number, atMs: number): void;
  within(windowMs: number, nowMs: number): number;
}

/** Longer than any scale-down window. */
const KEEP_MS = 3_600_000;

/** Keeps only values that can still become the highest, so it stays small however often it is fed. */
export function createPeaks(): Peaks {
  // Falling values with rising times: each says when the work last was at least that much.
  let falling: { value: number; atMs: number }[] = [];
  return {
    note(value, atMs) {
      falling = falling.filter((peak) => peak.value > value && atMs - peak.atMs < KEEP_MS);
      falling.push({ value, atMs });
    },
    within: (windowMs, nowMs) => falling.find(({ atMs }) => nowMs - atMs < windowMs)?.value ?? 0,
  };
}
