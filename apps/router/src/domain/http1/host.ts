/** A name or an address, with or without a port (RFC 9110 section 7.2, RFC 3986 section 3.2.2). */
const HOST = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?$/i;

/** A host as routes are written: in small letters, without port and closing dot. Undefined for what is none. */
export function hostOf(value: string): string | undefined {
  const name = HOST.exec(value)?.[1];
  return (name?.endsWith('.') ? name.slice(0, -1) : name)?.toLowerCase();
}
