import process from 'node:process';

/** Microseconds on a clock that never jumps and that all threads read alike; `performance` counts from the start of each. */
export function sharedClockUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.trunc(nanoseconds / 1_000);
}
