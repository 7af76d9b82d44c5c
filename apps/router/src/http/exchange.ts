import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { nodeAgent } from '@portico/contracts';

/** How one try at a container ended. */
export type Outcome =
  /** It answers; the body is still to come. */
  | { readonly kind: 'response'; readonly response: IncomingMessage; readonly upstream: ClientRequest }
  /** Provably not delivered: another container may be tried. */
  | { readonly kind: 'not-sent' }
  /** It has no free slot, whatever the router believed. */
  | { readonly kind: 'busy' }
  /** It broke off before it answered. */
  | { readonly kind: 'broken' };

export interface Attempt {
  readonly address: nodeAgent.Address;
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  /** The whole body, or a stream that can be sent once. */
  readonly body: Buffer | IncomingMessage;
  readonly signal: AbortSignal;
}

/** Methods that may be sent again when a kept connection turned out to be closed. */
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Sends the request to one container. */
export function attempt({ address, agent, method, path, headers, body, signal }: Attempt): Promise<Outcome> {
  return new Promise((resolve) => {
    const upstream = httpRequest({
      ...endpointOf(address),
      agent,
      method,
      path,
      headers: [...headers],
      signal,
      setDefaultHeaders: false,
    } as never);
    let isConnected = false;
    upstream.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (isConnected = true));
      else isConnected = true;
    });
    upstream.once('response', (response) => {
      if (response.headers['portico-busy'] === '1') {
        response.resume();
        return resolve({ kind: 'busy' });
      }
      resolve({ kind: 'response', response, upstream });
    });
    upstream.on('error', () =>
      resolve(
        !isConnected || (upstream.reusedSocket && repeatable.has(method)) ? { kind: 'not-sent' } : { kind: 'broken' },
      ),
    );
    if (Buffer.isBuffer(body)) upstream.end(body);
    else body.pipe(upstream);
  });
}

export function endpointOf({ endpoint }: nodeAgent.Address): { socketPath: string } | { host: string; port: number } {
  if (endpoint?.$case === 'unixPath') return { socketPath: endpoint.value };
  const [host = '', port = ''] = (endpoint?.value ?? '').split(':');
  return { host, port: Number(port) };
}
