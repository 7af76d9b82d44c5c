import { isAt } from '../http1/fields.ts';

/** With what a client that knows that HTTP/2 is spoken here begins (RFC 9113 section 3.4), up to its first empty line. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\n');

/** How much of the preface of HTTP/2 the bytes as far as `to` are. */
export function prefaceOf(bytes: Buffer, to: number): 'none' | 'part' | 'whole' {
  if (to >= PREFACE.length) return isAt(bytes, 0, PREFACE) ? 'whole' : 'none';
  return isAt(bytes, 0, PREFACE.subarray(0, to)) ? 'part' : 'none';
}
