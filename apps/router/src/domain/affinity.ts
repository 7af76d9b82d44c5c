const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** What `preferenceOf` needs of a key: it may be as long as a head, and is read once for all containers. */
export function seedOf(affinityKey: string): number {
  return hashed(FNV_OFFSET, affinityKey);
}

/**
 * How much requests with a key prefer a container, from 0 to 2^32 - 1: the same in every thread and every router. The
 * most preferred of those that are there is taken (rendezvous hashing), so that one that comes or goes moves only the
 * keys that were or will be its own.
 */
export function preferenceOf(seed: number, containerId: string): number {
  return mixed(hashed(seed, containerId));
}

/** FNV-1a. */
function hashed(from: number, text: string): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** The last step of MurmurHash3: ids that differ in one digit end far apart. */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
