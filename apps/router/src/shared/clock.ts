import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** The clock of the machine, which `process.hrtime` reads, when that of `performance` in this thread stood at 0. */
const originUs = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000;

/** Microseconds on a clock that never jumps and that all threads read alike; `performance` counts from the start of each. */
export function sharedClockUs(): number {
  return Math.trunc(originUs + performance.now() * 1_000);
}
