import type { RequestHead } from './http1/request-head.ts';

/** What the router alone may tell a container of a request. */
export interface ForwardedBy {
  /** `ip:port` of the client. */
  readonly clientAddress: string;
  readonly requestId: string;
  readonly traceparent: string;
  readonly scheme: 'http' | 'https';
  /** A port of the user's own server also gets X-Forwarded-For; the runner has the address in its scope. */
  readonly isPort: boolean;
}

/** The head of a request as the container gets it. */
export function containerHead(head: RequestHead, by: ForwardedBy): string {
  const ofRouter =
    `portico-client-address: ${by.clientAddress}\r\nportico-request-id: ${by.requestId}\r\n` +
    `portico-scheme: ${by.scheme}\r\ntraceparent: ${by.traceparent}\r\n`;
  return (
    `${head.method} ${head.target} HTTP/1.1\r\n${head.lines}${ofRouter}${by.isPort ? forwardedFor(head, by) : ''}` +
    `${head.framing.kind === 'chunked' ? 'transfer-encoding: chunked\r\n' : ''}` +
    `${head.upgrade === '' ? '' : `connection: Upgrade\r\nupgrade: ${head.upgrade}\r\n`}\r\n`
  );
}

function forwardedFor({ host }: RequestHead, { clientAddress, scheme }: ForwardedBy): string {
  const ip = clientAddress.slice(0, clientAddress.lastIndexOf(':'));
  return `x-forwarded-for: ${ip}\r\nx-forwarded-proto: ${scheme}\r\nx-forwarded-host: ${host}\r\n`;
}
