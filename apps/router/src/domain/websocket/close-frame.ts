import type { Fault } from './frame-reader.ts';

/** The close frame that says a fault; masked, with a key of zeros, for a server (RFC 6455 section 5.1). */
export function closeFrame({ code, why }: Fault, isMasked: boolean): Buffer {
  const size = 2 + why.length;
  const head = isMasked ? [0x88, 0x80 | size, 0, 0, 0, 0] : [0x88, size];
  return Buffer.from([...head, code >> 8, code & 0xff, ...Buffer.from(why, 'latin1')]);
}
