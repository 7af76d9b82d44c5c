/** What a bucket allows: so many a second, and so many at once after a rest. */
export interface RateLimit {
  /** Above 0; exact for whole numbers, and to a billionth of a token for others. */
  readonly perSecond: number;
  /** At least 1. */
  readonly burst: number;
}

/** What has to be kept of a bucket: two whole numbers, wherever they lie. */
export interface BucketState {
  /** Millionths of a token that were left at `atUs`. */
  readonly microTokens: number;
  /** Microseconds on a clock that should not jump, but may. */
  readonly atUs: number;
}

/** The bucket after a try to take one; `waitUs` is 0 when it was taken, else how long until one is there. */
export interface Taken {
  readonly microTokens: number;
  readonly atUs: number;
  readonly waitUs: number;
}

/** Tokens are counted in millionths: then what a whole number of microseconds brings is a whole number too. */
const MICRO = 1_000_000;
/** Readings of one clock by several threads may come in the wrong order, by less than this. */
const DISORDER_US = 1_000_000;

export function fullBucket({ burst }: RateLimit, nowUs: number): BucketState {
  return { microTokens: burst * MICRO, atUs: nowUs };
}

/**
 * Takes one token: never more than `perSecond·t + burst` in any window of t seconds, and no refusal below that.
 * A clock that jumps ahead fills the bucket once; one that jumps back gives nothing, and filling goes on from there.
 */
export function takeToken(state: BucketState, limit: RateLimit, nowUs: number): Taken {
  const elapsedUs = nowUs - state.atUs;
  const filled = state.microTokens + Math.max(0, elapsedUs) * limit.perSecond;
  const microTokens = Math.min(limit.burst * MICRO, filled);
  // Time is never counted twice: a late reading leaves the bucket where an earlier one has put it.
  const atUs = elapsedUs >= 0 || elapsedUs < -DISORDER_US ? nowUs : state.atUs;
  if (microTokens >= MICRO) return { microTokens: microTokens - MICRO, atUs, waitUs: 0 };
  return { microTokens, atUs, waitUs: Math.ceil((MICRO - microTokens) / limit.perSecond) };
}
