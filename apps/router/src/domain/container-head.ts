import { heads } from './http1/head-writer.ts';
import type { RequestHead } from './http1/request-head.ts';

/** What the router alone may tell a container of a client; the same for all requests of its connection. */
export interface ClientLines {
  /** For the runner, which has it in its scope; the id of the request follows. */
  readonly ofRouter: Buffer;
  /** The same for a port of the user's own server; the host that was asked for follows. */
  readonly ofPort: Buffer;
}

/** `address` is `ip:port`. */
export function clientLines(address: string, scheme: 'http' | 'https'): ClientLines {
  const ip = address.slice(0, address.lastIndexOf(':'));
  return {
    ofRouter: Buffer.from(`portico-client-address: ${address}\r\nportico-scheme: ${scheme}\r\nportico-request-id: `),
    ofPort: Buffer.from(`x-forwarded-for: ${ip}\r\nx-forwarded-proto: ${scheme}\r\nx-forwarded-host: `),
  };
}

/** What it may tell of one request. */
export interface ForwardedBy {
  readonly client: ClientLines;
  readonly requestId: string;
  readonly traceparent: string;
  readonly isPort: boolean;
}

/** Writes the head of a request as the container gets it. */
export function writeContainerHead(head: RequestHead, { client, requestId, traceparent, isPort }: ForwardedBy): void {
  heads.begin();
  heads.text(head.forwarded);
  heads.whole(client.ofRouter);
  heads.text(requestId);
  heads.text('\r\ntraceparent: ');
  heads.text(traceparent);
  heads.text('\r\n');
  if (isPort) {
    heads.whole(client.ofPort);
    heads.text(head.host);
    heads.text('\r\n');
  }
  if (head.framing.kind === 'chunked') heads.text('transfer-encoding: chunked\r\n');
  if (head.upgrade !== '') heads.text(`connection: Upgrade\r\nupgrade: ${head.upgrade}\r\n`);
  heads.text('\r\n');
}
