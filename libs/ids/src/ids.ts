/** Ids are `<prefix>-<alphanumerics>`: exactly one dash, since the client splits on it. */
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The kinds of things that have ids, with their prefixes; see docs/glossary.md. */
export const idPrefixes = {
  workspace: 'ac',
  environment: 'en',
  app: 'ap',
  function: 'fu',
  definition: 'de',
  class: 'cs',
  pool: 'po',
  container: 'ta',
  node: 'no',
  functionCall: 'fc',
  input: 'in',
  image: 'im',
  mount: 'mo',
  secret: 'st',
  volume: 'vo',
  queue: 'qu',
  dict: 'di',
  blob: 'bl',
  tokenFlow: 'tf',
  apiToken: 'ak',
  apiTokenSecret: 'as',
  proxyToken: 'wk',
  proxyTokenSecret: 'ws',
} as const;

export type IdKind = keyof typeof idPrefixes;

/** Source of random bytes, so that decisions stay testable. */
export type RandomBytes = (count: number) => Uint8Array;

const secureRandom: RandomBytes = (count) => globalThis.crypto.getRandomValues(new Uint8Array(count));

/** A fresh id: the prefix and 22 alphanumerics (130 bits). */
export function newId(kind: IdKind, random: RandomBytes = secureRandom): string {
  return `${idPrefixes[kind]}-${alphanumerics(22, random)}`;
}

/** 22 alphanumerics that follow from a hash: the same bytes give the same id. At least 22 bytes of hash. */
export function idOfHash(kind: IdKind, hash: Uint8Array): string {
  if (hash.length < 22) throw new Error('an id needs at least 22 bytes of hash');
  const text = [...hash.subarray(0, 22)].map((byte) => ALPHANUMERIC.charAt(byte % ALPHANUMERIC.length)).join('');
  return `${idPrefixes[kind]}-${text}`;
}

/**
 * `ta-` and an upper-case ULID that does not end in V: the client takes other task ids for
 * something else. `nowMs` is milliseconds since the epoch.
 */
export function newContainerId(nowMs: number, random: RandomBytes = secureRandom): string {
  let time = '';
  for (let left = nowMs, i = 0; i < 10; i++, left = Math.floor(left / 32)) time = CROCKFORD.charAt(left % 32) + time;
  const tail = [...random(16)].map((byte) => CROCKFORD.charAt(byte % 32)).join('');
  return `ta-${time}${tail.endsWith('V') ? `${tail.slice(0, -1)}0` : tail}`;
}

/** Whether the text is an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${idPrefixes[kind]}-`) && /^[A-Za-z0-9]+$/.test(text.slice(idPrefixes[kind].length + 1));
}

function alphanumerics(count: number, random: RandomBytes): string {
  let text = '';
  // Bytes from 248 on would favour the first letters; they are thrown away.
  while (text.length < count) {
    for (const byte of random(count)) {
      if (byte < 248 && text.length < count) text += ALPHANUMERIC.charAt(byte % 62);
    }
  }
  return text;
}
