/** One more at this place, unless there are `limit` already; whatever other threads do meanwhile. */
export function tryCount(ints: Int32Array, at: number, limit: number): boolean {
  for (let seen = Atomics.load(ints, at); seen < limit; ) {
    const found = Atomics.compareExchange(ints, at, seen, seen + 1);
    if (found === seen) return true;
    seen = found;
  }
  return false;
}
