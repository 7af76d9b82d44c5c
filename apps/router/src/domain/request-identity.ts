import { randomBytes } from 'node:crypto';

/** 24 bytes for a trace context; many are drawn at once, because a draw costs more than a request may. */
const DRAWS = 256;
const BYTES = 24;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;
/** Each byte in hex. */
const hexOfByte = Array.from({ length: 256 }, (_, byte) => hexOf(byte, 2));

/** In hex. */
let drawn = '';
let used = 0;
const processPart = randomBytes(6).toString('hex');
let count = 0;
/** What so many ids have in common is made once for all of them. */
const PAGE = 0x10000;
let page = processPart + hexOf(0, 8);

/** A `traceparent` of the W3C shape, version 00; anything else is not continued. */
const SHAPE = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The client's trace if it is well formed. */
export function validTraceparent(value: string): string | undefined {
  return value !== '' && SHAPE.test(value) ? value : undefined;
}

/** A fresh, unsampled trace for when no telemetry runs: the app still has an id to log. */
export function freshTraceparent(): string {
  return `00-${randomHex(TRACE_DIGITS)}-${randomHex(SPAN_DIGITS)}-00`;
}

/** The router's own span: in the client's trace, and as sampled as that is; else in a fresh one that is sampled. */
export function ownTraceparent(theirs: string | undefined): string {
  const spanId = randomHex(SPAN_DIGITS);
  return theirs ? theirs.slice(0, 36) + spanId + theirs.slice(52) : `00-${randomHex(TRACE_DIGITS)}-${spanId}-01`;
}

function randomHex(digits: number): string {
  if (used + digits > drawn.length) {
    drawn = randomBytes(BYTES * DRAWS).toString('hex');
    used = 0;
  }
  used += digits;
  return drawn.slice(used - digits, used);
}

/** Different for every request of every router. */
export function nextRequestId(): string {
  count += 1;
  if (count % PAGE === 0) page = processPart + hexOf(count / PAGE, 8);
  return page + hexOfByte[(count >> 8) & 0xff] + hexOfByte[count & 0xff];
}

function hexOf(count: number, digits: number): string {
  return count.toString(16).padStart(digits, '0');
}
