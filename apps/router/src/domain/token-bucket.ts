/** A rate with a burst: never more than `rate·t + burst` in any window, and never a refusal below that. */
export interface TokenBucket {
  /** Takes one; otherwise says after how many milliseconds one will be there. */
  take(nowMs: number): { readonly isTaken: true } | { readonly isTaken: false; readonly waitMs: number };
}

export function createTokenBucket(ratePerSecond: number, burst: number, startMs: number): TokenBucket {
  let tokens = burst;
  let lastMs = startMs;
  return {
    take(nowMs) {
      // A clock that jumps back must neither give nor take.
      if (nowMs > lastMs) tokens = Math.min(burst, tokens + ((nowMs - lastMs) * ratePerSecond) / 1_000);
      lastMs = nowMs;
      if (tokens >= 1) {
        tokens -= 1;
        return { isTaken: true };
      }
      return { isTaken: false, waitMs: Math.ceil(((1 - tokens) * 1_000) / ratePerSecond) };
    },
  };
}
