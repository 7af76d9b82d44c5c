/** Names under which our own images live in the store. */
export function storeName(imageId: string): string {
  return `localhost/portico:${imageId}`;
}

/** Docker's rules for short names: no dot, colon or localhost in the first part means Docker Hub. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const hasHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const name = hasHost ? image : `docker.io/${rest.length > 0 ? image : `library/${image}`}`;
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') || name.includes('@') ? name : `${name}:latest`;
}

/** The registry of a full name, as `host` or `host:port`. */
export function registryOf(reference: string): string {
  return reference.split('/')[0] ?? '';
}

/** Docker treats registries on the machine itself as plain HTTP; others only when they are listed. */
export function isInsecure(registry: string, listed: readonly string[]): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(registry) || listed.includes(registry);
}
