/** A field that the router heeds, in requests or in answers. */
export interface KnownName {
  /** In lower case. */
  readonly text: string;
  /** Of one hop (RFC 9110 section 7.6.1), or for the router to say and nobody else: no container gets to see it. */
  readonly endsRequests: boolean;
  /** The same of answers: no client gets to see it. */
  readonly endsAnswers: boolean;
}

const heeded = ['host', 'content-length', 'authorization', 'expect'].map((text) => known(text, false, false));
const ofOneHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
].map((text) => known(text, true, true));
const ofRequests = [
  'proxy-authorization',
  'http2-settings',
  'forwarded',
  'traceparent',
  'modal-key',
  'modal-secret',
  'modal-routing-affinity-key',
  'modal-session-id',
].map((text) => known(text, true, false));
const busy = known('portico-busy', true, true);

const all = [...heeded, ...ofOneHop, ...ofRequests, busy];
const byText: ReadonlyMap<string, KnownName> = new Map(all.map((name) => [name.text, name]));

/** Whatever begins with one of these only a proxy that an app trusts may say, and that is the router. */
const reservedPrefixes = ['modal-', 'portico-', 'x-forwarded-'];
const RESERVED = known('', true, false);

const prefixBytes = reservedPrefixes.map(bytesOf);
/** Makes a small letter of a capital one, and leaves small letters, digits and dashes as they are. */
const LOWER = 0x20;
const [DASH, UNDERSCORE] = [0x2d, 0x5f];
/** Of a letter: its place in the alphabet, whatever its size. */
const PLACE = 0x1f;
const PLACE_BITS = 5;
/** By length and first letter, of which no two names have the same: a name is compared with the one that it may be. */
const spellings: readonly (Spelling | undefined)[] = spell();

interface Spelling {
  readonly bytes: Uint8Array;
  readonly name: KnownName;
}

/** The name that is written between two places, in letters of either size, without making a text of it. Undefined for one that nobody heeds. */
export function knownNameIn(bytes: Uint8Array, from: number, to: number): KnownName | undefined {
  const spelling = spellings[slotOf(to - from, bytes[from] ?? 0)];
  if (spelling && isSpelledAt(bytes, from, spelling.bytes)) return spelling.name;
  return isReserved(bytes, from, to) ? RESERVED : undefined;
}

function isReserved(bytes: Uint8Array, from: number, to: number): boolean {
  const first = (bytes[from] ?? 0) | LOWER;
  for (let i = 0; i < prefixBytes.length; i++) {
    const prefix = prefixBytes[i];
    if (prefix?.[0] === first && to - from >= prefix.length && isPrefixAt(bytes, from, prefix)) return true;
  }
  return false;
}

/** An underscore counts as a dash: servers of WSGI and CGI make the same variable of both. */
function isPrefixAt(bytes: Uint8Array, from: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) {
    const byte = bytes[from + i] ?? 0;
    if (byte === UNDERSCORE ? prefix[i] !== DASH : (byte | LOWER) !== prefix[i]) return false;
  }
  return true;
}

function slotOf(length: number, first: number): number {
  return (length << PLACE_BITS) | (first & PLACE);
}

/** The known name that a text in lower case is. */
export function knownName(text: string): KnownName | undefined {
  const name = byText.get(text);
  if (name) return name;
  const dashed = text.replaceAll('_', '-');
  return reservedPrefixes.some((prefix) => dashed.startsWith(prefix)) ? RESERVED : undefined;
}

/** Whether a word of small letters, digits and dashes is there, whatever the size of its letters. The bytes must be those of a token. */
export function isSpelledAt(bytes: Uint8Array, from: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (((bytes[from + i] ?? 0) | LOWER) !== word[i]) return false;
  return true;
}

function known(text: string, endsRequests: boolean, endsAnswers: boolean): KnownName {
  return { text, endsRequests, endsAnswers };
}

function spell(): (Spelling | undefined)[] {
  const longest = Math.max(...all.map(({ text }) => text.length));
  const table = new Array<Spelling | undefined>(slotOf(longest + 1, 0)).fill(undefined);
  for (const name of all) {
    const slot = slotOf(name.text.length, name.text.charCodeAt(0));
    if (table[slot]) throw new Error(`${name.text} needs a slot of its own.`);
    table[slot] = { bytes: bytesOf(name.text), name };
  }
  return table;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
