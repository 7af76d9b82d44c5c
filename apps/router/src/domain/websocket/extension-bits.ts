const EXTENSIONS = /^sec-websocket-extensions:[ \t]*([^\r]*)/gim;
const ALL = 0x70;
/** The first reserved bit marks a message as compressed (RFC 7692 section 6). */
const RSV1 = 0x40;

/** The reserved bits that frames may set, from the header lines with which a server has accepted a WebSocket. */
export function extensionBits(lines: string): number {
  let bits = 0;
  for (const [, value = ''] of lines.matchAll(EXTENSIONS))
    for (const part of value.split(',')) {
      const name = part.split(';', 1)[0]?.trim().toLowerCase();
      // What an extension that is not known here means by the bits is between its two ends.
      if (name) bits |= name === 'permessage-deflate' ? RSV1 : ALL;
    }
  return bits;
}
