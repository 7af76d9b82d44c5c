import type { RequestHead } from './http1/request-head.ts';

/** What the router alone may tell a container of a client; the same for all requests of its connection. */
export interface ClientLines {
  /** For the runner, which has it in its scope. */
  readonly ofRouter: string;
  /** The same for a port of the user's own server, all but the host that was asked for. */
  readonly forwarded: string;
}

/** `address` is `ip:port`. */
export function clientLines(address: string, scheme: 'http' | 'https'): ClientLines {
  const ip = address.slice(0, address.lastIndexOf(':'));
  return {
    ofRouter: `portico-client-address: ${address}\r\nportico-scheme: ${scheme}\r\n`,
    forwarded: `x-forwarded-for: ${ip}\r\nx-forwarded-proto: ${scheme}\r\n`,
  };
}

/** What it may tell of one request. */
export interface ForwardedBy {
  readonly client: ClientLines;
  readonly requestId: string;
  readonly traceparent: string;
  readonly isPort: boolean;
}

/** The head of a request as the container gets it. */
export function containerHead(head: RequestHead, { client, requestId, traceparent, isPort }: ForwardedBy): string {
  return (
    `${head.method} ${head.target} HTTP/1.1\r\n${head.lines}${client.ofRouter}` +
    `portico-request-id: ${requestId}\r\ntraceparent: ${traceparent}\r\n` +
    `${isPort ? `${client.forwarded}x-forwarded-host: ${head.host}\r\n` : ''}` +
    `${head.framing.kind === 'chunked' ? 'transfer-encoding: chunked\r\n' : ''}` +
    `${head.upgrade === '' ? '' : `connection: Upgrade\r\nupgrade: ${head.upgrade}\r\n`}\r\n`
  );
}
