import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { nodeAgent } from '@portico/contracts';
import { type OpenSpan, openSpan } from '@portico/telemetry';
import { type Answer, answers } from '../domain/answers.ts';
import { type Decision, decideTarget, proxyCredentialsOf } from '../domain/decide-target.ts';
import { type ForwardedBy, requestHeaders, responseHeaders } from '../domain/headers.ts';
import type { Granted, Lease, Pool } from '../domain/pool.ts';
import { freshTraceparent, validTraceparent } from '../domain/trace-context.ts';
import type { Surroundings } from '../surroundings.ts';
import { attempt, type Outcome } from './exchange.ts';

export type Forward = Extract<Decision, { kind: 'forward' }>;

/** Bodies up to this size are read before they are sent, so that they can be sent again. */
const REPEATABLE_BODY_BYTES = 64 * 1024;
const TRIES_MAX = 3;
/** How long the report of a container that broke off is waited for: it tells why. */
const REPORT_WITHIN_MS = 1_000;

/** One request on its way through. */
interface Passage {
  readonly around: Surroundings;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly span: OpenSpan;
  readonly by: Omit<ForwardedBy, 'isPort'>;
  /** Aborted when the client leaves. */
  readonly gone: AbortSignal;
}

/** Takes every request of a server. */
export function servePublic(server: Server, around: Surroundings): void {
  server.on('request', (request, response) => {
    const passage = passageOf(around, request, response);
    pass(passage).catch((error: unknown) => {
      around.log.error({ err: error }, 'A request failed inside the router');
      answer(passage, answers.unreachable);
    });
  });
}

function passageOf(around: Surroundings, request: IncomingMessage, response: ServerResponse): Passage {
  const requestId = randomBytes(12).toString('hex');
  const host = hostOf(request);
  const span = openSpan(`${request.method}`, {
    kind: 'server',
    traceparent: validTraceparent(request.headers['traceparent']),
    attributes: { 'http.request.method': request.method ?? '', 'server.address': host },
  });
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  const traceparent =
    span.traceparent || validTraceparent(request.headers['traceparent']) || freshTraceparent(randomBytes(24));
  const by = {
    clientAddress: `${remoteAddress.replace(/^::ffff:/, '')}:${remotePort}`,
    requestId,
    traceparent,
    scheme: 'http',
    host,
  } as const;
  return { around, request, response, requestId, span, by, gone: gone.signal };
}

export function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

async function pass(passage: Passage): Promise<void> {
  const { around, request } = passage;
  const decision = decideTarget({
    target: around.routes.find(passage.by.host),
    credentials: proxyCredentialsOf(request.headers),
    verify: around.verify,
    poolOf: around.poolOf,
  });
  if (decision.kind === 'answer') return answer(passage, decision.answer);
  const limited = around.rate(decision.workspace);
  if (limited > 0) return answer(passage, answers.rateLimited(Math.ceil(limited / 1_000)));
  if (Number(request.headers['content-length'] ?? 0) > around.limits.bodyBytesMax)
    return answer(passage, answers.bodyTooLarge);
  const body = await bodyOf(request);
  await forward(passage, decision, body);
}

/** Small bodies whole, others as the stream that they are. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | IncomingMessage> {
  const length = request.headers['content-length'];
  if (request.headers['transfer-encoding'] !== undefined) return request;
  if (length === undefined || Number(length) === 0) return Buffer.alloc(0);
  if (Number(length) > REPEATABLE_BODY_BYTES || request.headers.expect !== undefined) return request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function forward(passage: Passage, decision: Forward, body: Buffer | IncomingMessage): Promise<void> {
  const tried = new Set<string>();
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const granted = await leaseFor(passage, decision, tried);
    if (granted.kind === 'refused') return passage.gone.aborted ? end(passage, 499) : answer(passage, granted.answer);
    const { lease } = granted;
    passage.span.event('dispatched');
    const outcome = await sendTo(passage, decision, lease, body);
    if (outcome === 'done') return;
    tried.add(lease.container.containerId);
    lease.release();
    if (outcome === 'answered') return;
    if (!Buffer.isBuffer(body) && body.readableDidRead) break;
  }
  answer(passage, answers.unreachable);
}

/** A slot at once, or after waiting: the autoscaler hears of the first who waits. */
export async function leaseFor(
  { around, span, gone, by }: Pick<Passage, 'around' | 'span' | 'gone' | 'by'>,
  { spec, pool, route }: Forward,
  tried: ReadonlySet<string>,
): Promise<Granted> {
  const lease = pool.tryAcquire(spec.maxConcurrentInputs, tried);
  if (lease) return { kind: 'lease', lease };
  if (pool.queued >= around.limits.queueMax) return { kind: 'refused', answer: answers.queueFull };
  span.event('queued');
  // Who waits, waits for the newest version: its predecessor may be on its way out.
  const target: Pool = pool.hasReady ? pool : around.poolOf(route.poolId);
  const signal = AbortSignal.any([gone, AbortSignal.timeout(around.limits.queueDeadlineMs)]);
  const waiting = target.wait(spec.maxConcurrentInputs, signal, tried);
  around.onQueued(target, spec.appId, by.traceparent);
  return waiting;
}

/** One try. `done` = the client has its answer; `answered` = it has one from us; else another try may follow. */
async function sendTo(
  passage: Passage,
  decision: Forward,
  lease: Lease,
  body: Buffer | IncomingMessage,
): Promise<'done' | 'answered' | 'again'> {
  const { around, request, by, gone } = passage;
  const address = addressFor(lease.container, decision.route.methodName);
  if (!address) return 'again';
  const overtime = new AbortController();
  const timer = setTimeout(() => overtime.abort(), decision.spec.timeoutMs);
  const headers = requestHeaders(request.rawHeaders, { ...by, isPort: address.endpoint?.$case === 'tcp' });
  const outcome = await attempt({
    address,
    agent: around.agent,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: Buffer.isBuffer(body) ? headers : withFraming(headers, request),
    body,
    signal: AbortSignal.any([gone, overtime.signal]),
  });
  if (outcome.kind === 'response') {
    relay(passage, lease, outcome, timer);
    return 'done';
  }
  clearTimeout(timer);
  if (gone.aborted) return endAs(passage, 499);
  if (overtime.signal.aborted) {
    around.onExpired(lease.container.containerId, 'a request ran into its timeout');
    return answered(passage, answers.timedOut);
  }
  if (outcome.kind === 'broken')
    return answered(passage, await around.whyBroken(lease.container.containerId, REPORT_WITHIN_MS));
  return 'again';
}

function answered(passage: Passage, what: Answer): 'answered' {
  answer(passage, what);
  return 'answered';
}

function endAs(passage: Passage, status: number): 'answered' {
  end(passage, status);
  return 'answered';
}

/** A streamed chunked body keeps its framing. */
function withFraming(headers: string[], request: IncomingMessage): string[] {
  return request.headers['transfer-encoding'] === undefined ? headers : [...headers, 'transfer-encoding', 'chunked'];
}

export function addressFor(container: nodeAgent.Container, methodName: string): nodeAgent.Address | undefined {
  return (
    container.addresses.find((address) => address.methodName === methodName) ??
    container.addresses.find((address) => address.methodName === '')
  );
}

/** The answer of the container to the client, each piece as it comes. */
function relay(
  passage: Passage,
  lease: Lease,
  { response: from, upstream }: Extract<Outcome, { kind: 'response' }>,
  timer: NodeJS.Timeout,
): void {
  const { response: to, requestId } = passage;
  const status = from.statusCode ?? 502;
  passage.span.event('first byte');
  to.sendDate = false;
  to.writeHead(status, from.statusMessage ?? '', responseHeaders(from.rawHeaders, requestId) as never);
  to.flushHeaders();
  const finish = (error?: string): void => {
    clearTimeout(timer);
    lease.release();
    passage.span.end({ 'http.response.status_code': status, 'container.id': lease.container.containerId }, error);
  };
  from.pipe(to, { end: false });
  from.once('end', () => {
    if (Object.keys(from.trailers).length > 0) to.addTrailers(from.trailers as never);
    to.end();
  });
  from.once('close', () => {
    if (from.complete) return finish();
    // Cut in the middle: the client must not take it for the whole.
    to.destroy();
    finish('the container broke off');
  });
  to.once('close', () => {
    if (!to.writableFinished) upstream.destroy();
  });
}

function answer(passage: Passage, { status, text, headers = {} }: Answer): void {
  const { response, request } = passage;
  if (!response.headersSent && !response.destroyed) {
    const body = Buffer.from(text);
    // A body that nobody reads would be taken for the next request.
    const hasUnread = !request.complete;
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': body.length,
      ...(hasUnread ? { connection: 'close' } : {}),
      ...headers,
    });
    response.end(body);
    if (hasUnread) request.resume();
  } else response.destroy();
  end(passage, status);
}

function end({ span }: Passage, status: number): void {
  span.end({ 'http.response.status_code': status });
}
