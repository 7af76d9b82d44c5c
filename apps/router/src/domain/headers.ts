/** Headers that concern one connection only (RFC 9110 section 7.6.1): they end here. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What the router alone may say: a client that says it is not heard. */
const reserved: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'traceparent',
  'modal-key',
  'modal-secret',
]);
const reservedPrefixes = ['portico-', 'modal-'];

export interface ForwardedBy {
  /** `ip:port` of the client. */
  readonly clientAddress: string;
  readonly requestId: string;
  readonly traceparent: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** A port of the user's own server also gets X-Forwarded-For; the runner has the address in its scope. */
  readonly isPort: boolean;
}

/** The request headers for the container, as the flat list of name, value, name, value. */
export function requestHeaders(raw: readonly string[], by: ForwardedBy): string[] {
  const named = connectionNamed(raw);
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || isReserved(lower)) continue;
    kept.push(name, raw[i + 1] ?? '');
  }
  kept.push(
    'portico-client-address',
    by.clientAddress,
    'portico-request-id',
    by.requestId,
    'portico-scheme',
    by.scheme,
    'traceparent',
    by.traceparent,
  );
  if (by.isPort) {
    const address = by.clientAddress.slice(0, by.clientAddress.lastIndexOf(':'));
    kept.push('x-forwarded-for', address, 'x-forwarded-proto', by.scheme, 'x-forwarded-host', by.host);
  }
  return kept;
}

/** The response headers for the client. */
export function responseHeaders(raw: readonly string[], requestId: string): string[] {
  const named = connectionNamed(raw);
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const lower = (raw[i] ?? '').toLowerCase();
    if (!hopByHop.has(lower) && !named.has(lower)) kept.push(raw[i] ?? '', raw[i + 1] ?? '');
  }
  kept.push('modal-function-call-id', `fc-${requestId}`);
  return kept;
}

function isReserved(lower: string): boolean {
  return reserved.has(lower) || reservedPrefixes.some((prefix) => lower.startsWith(prefix));
}

/** Headers that a Connection header names are of one hop too. */
function connectionNamed(raw: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').split(',')) named.add(token.trim().toLowerCase());
  }
  return named;
}
