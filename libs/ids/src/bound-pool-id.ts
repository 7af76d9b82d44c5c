/** Stands in no id that is made of a hash. */
const MARK = '_';
const BYTES = 12;

/** The pool that serves a class with certain values: the same id in every service. `hash` is the SHA-256 of the encoded values. */
export function boundPoolId(poolId: string, hash: Uint8Array): string {
  const digits = [...hash.subarray(0, BYTES)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${poolId}${MARK}${digits.join('')}`;
}

/** The deployed pool that a pool stands for; itself, unless it serves a class with certain values. */
export function basePoolIdOf(poolId: string): string {
  return poolId.split(MARK, 1)[0] ?? poolId;
}
