import { type OpenSpan, openSpan } from '@portico/telemetry';
import { addressOf } from '../domain/address-of.ts';
import { type Answer, answers } from '../domain/answers.ts';
import { containerHead } from '../domain/container-head.ts';
import { decideTarget, proxyCredentialsOf } from '../domain/decide-target.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import type { Lease } from '../domain/pool.ts';
import { freshTraceparent, nextRequestId, validTraceparent } from '../domain/request-identity.ts';
import type { Surroundings } from '../surroundings.ts';
import type { ExchangeClient } from './exchange-client.ts';
import type { ExchangeState, Forward, Sent } from './exchange-state.ts';
import { RequestBody } from './request-body.ts';
import { searchSlot } from './search-slot.ts';
import type { AnswerListener, Failure } from './upstream.ts';
import type { Wire } from './wire.ts';

const TRIES_MAX = 3;
/** How long the report of a container that broke off is waited for: it tells why. */
const REPORT_WITHIN_MS = 1_000;
const NEW: ExchangeState = { kind: 'new' };
const OVER: ExchangeState = { kind: 'over' };

/** One request and its answer. */
export class Exchange implements AnswerListener {
  readonly #around: Surroundings;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #body: RequestBody;
  readonly #requestId = nextRequestId();
  readonly #span: OpenSpan | undefined;
  readonly #traceparent: string;
  readonly #beganMs = performance.now();
  #state: ExchangeState = NEW;
  #tries = 0;
  /** Containers that have had their try. */
  #tried: Set<string> | undefined;

  constructor(around: Surroundings, client: ExchangeClient, head: RequestHead) {
    this.#around = around;
    this.#client = client;
    this.#head = head;
    this.#body = new RequestBody(head.framing, around.limits.bodyBytesMax);
    const theirs = validTraceparent(head.traceparent);
    if (around.isTracing) {
      const attributes = { 'http.request.method': head.method, 'server.address': head.host };
      this.#span = openSpan(head.method, { kind: 'server', traceparent: theirs, attributes });
    }
    this.#traceparent = this.#span?.traceparent || theirs || freshTraceparent();
  }

  /** Decides over the request and sends it, or waits for a container. */
  start(): void {
    if (this.#state.kind !== 'new') return;
    const { routes, verify, poolOf, rate } = this.#around;
    const target = routes.find(this.#head.host);
    const decision = decideTarget({ target, credentials: proxyCredentialsOf(this.#head), verify, poolOf });
    if (decision.kind === 'answer') return this.#answer(decision.answer);
    const waitMs = rate(decision.workspace);
    if (waitMs > 0) return this.#answer(answers.rateLimited(Math.ceil(waitMs / 1_000)));
    if (this.#body.isTooLarge) return this.#answer(answers.bodyTooLarge);
    this.#seek(decision);
  }

  /** Takes what belongs to the body; the index just past it, or -1 when the exchange has ended over it. */
  takeBody(bytes: Buffer, from: number, to: number): number {
    const end = this.#body.take(bytes, from, to);
    if (end < 0 || this.#body.isTooLarge) {
      // A length that is too large is refused when the target is known.
      if (end >= 0 && this.#state.kind === 'new') return to;
      this.#endBody(end < 0 ? answers.badRequest('a chunk that is malformed') : answers.bodyTooLarge);
      return -1;
    }
    const state = this.#state;
    if (state.kind === 'sent' || state.kind === 'answering') {
      if (end > from && !state.sent.upstream.wire.write(bytes.subarray(from, end))) this.#client.pause(true);
    } else if (this.#body.isFull) this.#client.pause(false);
    return end;
  }

  /** What was written to the client has gone: the container may go on. */
  onClientDrain(): void {
    if (this.#state.kind === 'answering') this.#state.sent.upstream.wire.resume();
  }

  /** The client has left. */
  abandon(): void {
    const state = this.#state;
    this.#state = OVER;
    if (state.kind === 'waiting') state.search.abandon();
    else if (state.kind === 'sent' || state.kind === 'answering') this.#letGo(state.sent);
    this.#over(499);
  }

  onInterim(text: string): void {
    if (!this.#head.isHttp10) this.#client.sendInterim(text);
  }

  onHead(head: ResponseHead, body: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'sent') return;
    if (head.isBusy) {
      this.#letGo(state.sent);
      return this.#again(state.forward, state.sent, answers.noneReady);
    }
    this.#span?.event('first byte');
    const { isHttp10, keepsAlive } = this.#head;
    // A body that the container did not wait for can't be told from the next request.
    const closes = !keepsAlive || this.#client.isStopping || head.framing.kind === 'until-close' || !this.#body.isDone;
    this.#state = { kind: 'answering', sent: state.sent, status: head.status, closes };
    this.#heed(this.#client.sendHead(head, { requestId: this.#requestId, isHttp10, closes }, body), state.sent);
  }

  onBody(bytes: Buffer): void {
    const state = this.#state;
    if (state.kind === 'answering') this.#heed(this.#client.sendBody(bytes), state.sent);
  }

  onComplete(): void {
    const state = this.#state;
    if (state.kind !== 'answering') return;
    this.#state = OVER;
    const { sent, status, closes } = state;
    sent.deadline.cancel();
    if (this.#body.isDone) this.#around.upstreams.release(sent.address, sent.upstream);
    else sent.upstream.abandon();
    sent.lease.release();
    this.#over(status, sent.lease);
    this.#client.end(closes);
  }

  onUpgrade(head: ResponseHead, wire: Wire, early: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'sent') return wire.destroy();
    this.#state = OVER;
    const { deadline, lease } = state.sent;
    deadline.cancel();
    this.#client.becomeTunnel(head, wire, early, () => {
      lease.release();
      this.#over(101, lease);
    });
  }

  onFailure(failure: Failure): void {
    const state = this.#state;
    if (state.kind !== 'sent') return;
    const { forward, sent } = state;
    sent.deadline.cancel();
    sent.lease.release();
    if (failure === 'not-connected')
      this.#around.onExpired(sent.lease.container.containerId, 'it does not accept connections');
    if (failure !== 'broken') return this.#again(forward, sent, answers.unreachable);
    this.#state = { kind: 'asking why' };
    void this.#around.whyBroken(sent.lease.container.containerId, REPORT_WITHIN_MS).then((answer) => {
      if (this.#state.kind === 'asking why') this.#answer(answer);
    });
  }

  onCut(): void {
    if (this.#state.kind !== 'answering') return;
    const { sent, status } = this.#state;
    this.#state = OVER;
    this.#letGo(sent);
    this.#over(status, sent.lease, 'the container broke off');
    // The client must not take it for the whole.
    this.#client.cut();
  }

  onDrain(): void {
    this.#client.resume();
  }

  #seek(forward: Forward): void {
    const lease = forward.pool.tryAcquire(forward.spec.maxConcurrentInputs, this.#tried ?? NONE_TRIED);
    if (lease) return this.#send(forward, lease);
    if (forward.pool.queued >= this.#around.limits.queueMax) return this.#answer(answers.queueFull);
    this.#span?.event('queued');
    const search = searchSlot(this.#around, forward, this.#tried ?? NONE_TRIED, this.#traceparent, (granted) => {
      if (granted.kind === 'refused') return this.#answer(granted.answer);
      this.#around.metrics.waited((performance.now() - this.#beganMs) / 1_000);
      this.#send(forward, granted.lease);
    });
    this.#state = { kind: 'waiting', forward, search };
  }

  #send(forward: Forward, lease: Lease): void {
    this.#tries += 1;
    const address = addressOf(lease.container, forward.route.methodName);
    if (!address) {
      lease.release();
      return this.#again(forward, { lease }, answers.unreachable);
    }
    const { upstreams, timers } = this.#around;
    const upstream = upstreams.acquire(address);
    const deadline = timers.after(forward.spec.timeoutMs, () => this.#expire());
    this.#state = { kind: 'sent', forward, sent: { lease, address, upstream, deadline } };
    this.#span?.event('dispatched');
    upstream.begin({ method: this.#head.method, listener: this });
    const head = containerHead(this.#head, {
      clientAddress: this.#client.address,
      requestId: this.#requestId,
      traceparent: this.#traceparent,
      scheme: this.#client.scheme,
      isPort: address.endpoint?.$case === 'tcp',
    });
    const isThrough = this.#body.sendWith(head, upstream.wire);
    // A client that sends nothing is still read, to notice when it leaves.
    if (isThrough || this.#body.isDone) this.#client.resume();
    else this.#client.pause(false);
  }

  /** Another container, if one may be tried; else the answer. */
  #again(forward: Forward, { lease }: Pick<Sent, 'lease'>, otherwise: Answer): void {
    this.#tried ??= new Set();
    this.#tried.add(lease.container.containerId);
    if (this.#tries >= TRIES_MAX || !this.#body.isRepeatable) return this.#answer(otherwise);
    this.#seek(forward);
  }

  #expire(): void {
    const state = this.#state;
    if (state.kind !== 'sent' && state.kind !== 'answering') return;
    this.#around.onExpired(state.sent.lease.container.containerId, 'a request ran into its timeout');
    this.#letGo(state.sent);
    if (state.kind === 'sent') return this.#answer(answers.timedOut);
    this.#state = OVER;
    this.#over(state.status, state.sent.lease, 'the time ran out');
    this.#client.cut();
  }

  #letGo({ deadline, upstream, lease }: Sent): void {
    deadline.cancel();
    upstream.abandon();
    lease.release();
  }

  /** The body can't be read to its end: nothing after it can be trusted. */
  #endBody(answer: Answer): void {
    const state = this.#state;
    if (state.kind === 'waiting') state.search.abandon();
    else if (state.kind === 'sent' || state.kind === 'answering') this.#letGo(state.sent);
    if (state.kind !== 'answering') return this.#answer(answer);
    this.#state = OVER;
    this.#over(state.status, state.sent.lease, answer.text);
    this.#client.cut();
  }

  /** An answer of our own. */
  #answer(answer: Answer): void {
    this.#state = OVER;
    const closes = !this.#head.keepsAlive || this.#client.isStopping || !this.#body.isDone;
    this.#client.sendAnswer(answer, closes, this.#head.method === 'HEAD');
    this.#over(answer.status);
    this.#client.end(closes);
  }

  /** Told once, whatever the end is. */
  #over(status: number, lease?: Lease, error?: string): void {
    this.#around.metrics.requestEnded(status, (performance.now() - this.#beganMs) / 1_000);
    const attributes = { 'http.response.status_code': status };
    const id = lease?.container.containerId;
    this.#span?.end(id ? { ...attributes, 'container.id': id } : attributes, error);
  }

  /** A client that can't keep up pauses the container. */
  #heed(isThrough: boolean, { upstream }: Sent): void {
    if (isThrough) return;
    upstream.wire.keepBytes();
    upstream.wire.pause();
  }
}

const NONE_TRIED: ReadonlySet<string> = new Set();
