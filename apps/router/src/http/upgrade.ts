import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { nodeAgent } from '@portico/contracts';
import { openSpan } from '@portico/telemetry';
import { type Answer, answers } from '../domain/answers.ts';
import { decideTarget, proxyCredentialsOf } from '../domain/decide-target.ts';
import { requestHeaders } from '../domain/headers.ts';
import { freshTraceparent, validTraceparent } from '../domain/trace-context.ts';
import type { Surroundings } from '../surroundings.ts';
import { endpointOf } from './exchange.ts';
import { addressFor, hostOf, leaseFor } from './front.ts';

/** WebSockets and other upgrades: one slot each, bytes both ways. */
export function serveUpgrades(server: Server, around: Surroundings): void {
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    upgrade(around, request, socket, head).catch((error: unknown) => {
      around.log.error({ err: error }, 'An upgrade failed inside the router');
      refuse(socket, answers.unreachable);
    });
  });
}

async function upgrade(around: Surroundings, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const host = hostOf(request);
  const decision = decideTarget({
    target: around.routes.find(host),
    credentials: proxyCredentialsOf(request.headers),
    verify: around.verify,
    poolOf: around.poolOf,
  });
  if (decision.kind === 'answer') return refuse(socket, decision.answer);
  const limited = around.rate(decision.workspace);
  if (limited > 0) return refuse(socket, answers.rateLimited(Math.ceil(limited / 1_000)));
  const span = openSpan('upgrade', {
    kind: 'server',
    traceparent: validTraceparent(request.headers['traceparent']),
    attributes: { 'server.address': host },
  });
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const by = forwardedBy(request, host, span.traceparent || freshTraceparent(randomBytes(24)));
  const granted = await leaseFor({ around, span, gone: gone.signal, by }, decision, new Set());
  if (granted.kind === 'refused') {
    span.end();
    return refuse(socket, granted.answer);
  }
  const { lease } = granted;
  const end = (): void => {
    lease.release();
    span.end();
  };
  const address = addressFor(lease.container, decision.route.methodName);
  if (!address || gone.signal.aborted) {
    end();
    return refuse(socket, answers.unreachable);
  }
  pass({ request, socket, head, by, address, gone: gone.signal, end });
}

function forwardedBy(request: IncomingMessage, host: string, traceparent: string) {
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  return {
    clientAddress: `${remoteAddress.replace(/^::ffff:/, '')}:${remotePort}`,
    requestId: randomBytes(12).toString('hex'),
    traceparent,
    scheme: 'http',
    host,
  } as const;
}

interface Passage {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client has sent after the head. */
  readonly head: Buffer;
  readonly by: ReturnType<typeof forwardedBy>;
  readonly address: nodeAgent.Address;
  readonly gone: AbortSignal;
  /** Gives the slot back, once. */
  readonly end: () => void;
}

/** Asks the container to upgrade, and connects the two if it does. */
function pass({ request, socket, head, by, address, gone, end }: Passage): void {
  const headers = [
    ...requestHeaders(request.rawHeaders, { ...by, isPort: address.endpoint?.$case === 'tcp' }),
    'connection',
    'Upgrade',
    'upgrade',
    request.headers.upgrade ?? '',
  ];
  const upstream = httpRequest({
    ...endpointOf(address),
    method: request.method,
    path: request.url,
    headers,
    agent: false,
    setDefaultHeaders: false,
    signal: gone,
  } as never);
  upstream.once('upgrade', (response, other, early) => {
    socket.write(headText(response));
    if (early.length > 0) socket.write(early);
    if (head.length > 0) other.write(head);
    tunnel(socket, other, end);
  });
  upstream.once('response', (response) => {
    relayRefusal(socket, response);
    end();
  });
  upstream.once('error', () => {
    refuse(socket, answers.unreachable);
    end();
  });
  upstream.end();
}

/** Bytes both ways until one of the two closes. */
function tunnel(client: Duplex, container: Duplex, onEnd: () => void): void {
  client.pipe(container);
  container.pipe(client);
  container.on('error', () => client.destroy());
  container.once('close', () => client.destroy());
  client.once('close', () => {
    container.destroy();
    onEnd();
  });
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1] ?? ''}`] : []));
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function relayRefusal(socket: Duplex, response: IncomingMessage): void {
  socket.write(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\nconnection: close\r\n\r\n`);
  response.pipe(socket);
}

function refuse(socket: Duplex, { status, text, headers = {} }: Answer): void {
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(
    `HTTP/1.1 ${status} -\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n${lines}\r\n${text}`,
  );
}
