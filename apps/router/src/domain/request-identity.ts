import { randomBytes } from 'node:crypto';
import { textOf } from './http1/fields.ts';

/** So many are drawn at once, because a draw costs more than a request may. */
const DRAWS = 256;
const SPAN_DIGITS = 16;
/** Of a `traceparent`, and of the random bytes that become one: their hex digits are one more. */
const [LENGTH, RANDOM_BYTES] = [55, 28];
const [FIRST_DASH, SECOND_DASH, THIRD_DASH] = [2, 35, 52];
const [DASH, ZERO, NINE, A, F] = [0x2d, 0x30, 0x39, 0x61, 0x66];

/** Unsampled ones, one behind the other. */
let drawn = '';
let used = 0;
/** The digits of the last id: those of this thread, and a count. */
const lastId = Buffer.from(`${randomBytes(6).toString('hex')}${'0'.repeat(12)}`);

/** A `traceparent` of the W3C shape, version 00; anything else is not continued. */
const SHAPE = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The client's trace if it is well formed. */
export function validTraceparent(value: string): string | undefined {
  return value !== '' && SHAPE.test(value) ? value : undefined;
}

/** A fresh, unsampled trace for when no telemetry runs: the app still has an id to log. */
export function freshTraceparent(): string {
  if (used === drawn.length) {
    drawn = draw();
    used = 0;
  }
  used += LENGTH;
  return drawn.slice(used - LENGTH, used);
}

/** The router's own span: in the client's trace, and as sampled as that is; else in a fresh one that is sampled. */
export function ownTraceparent(theirs: string | undefined): string {
  const fresh = freshTraceparent();
  if (!theirs) return `${fresh.slice(0, -1)}1`;
  const spanFrom = SECOND_DASH + 1;
  return theirs.slice(0, spanFrom) + fresh.slice(spanFrom, spanFrom + SPAN_DIGITS) + theirs.slice(THIRD_DASH);
}

/** Random digits, with what else is in a `traceparent` over some of them. */
function draw(): string {
  const digits = Buffer.from(randomBytes(DRAWS * RANDOM_BYTES).toString('hex'));
  for (let i = 0; i < DRAWS; i++) {
    const at = i * LENGTH;
    for (const dash of [FIRST_DASH, SECOND_DASH, THIRD_DASH]) digits[at + dash] = DASH;
    for (const zero of [0, 1, THIRD_DASH + 1, THIRD_DASH + 2]) digits[at + zero] = ZERO;
  }
  return digits.toString('latin1', 0, DRAWS * LENGTH);
}

/** Different for every request of every router. */
export function nextRequestId(): string {
  let at = lastId.length - 1;
  for (; lastId[at] === F; at--) lastId[at] = ZERO;
  lastId[at] = lastId[at] === NINE ? A : (lastId[at] ?? 0) + 1;
  return textOf(lastId, 0, lastId.length);
}
