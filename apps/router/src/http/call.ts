import { addressOf } from '../domain/address-of.ts';
import { type Answer, answers } from '../domain/answers.ts';
import { type ClientLines, writeContainerHead } from '../domain/container-head.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import type { Lease } from '../domain/lease.ts';
import type { Deadline } from '../domain/timer-wheel.ts';
import type { Surroundings } from '../surroundings.ts';
import type { AnswerSource } from './answer-source.ts';
import type { CallListener } from './call-listener.ts';
import type { Answered, CallState, Forward, Sent } from './call-state.ts';
import { decideFor } from './decide-for.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestRecord } from './request-record.ts';
import { searchSlot } from './search-slot.ts';
import type { AnswerListener, Failure } from './upstream.ts';
import type { Wire } from './wire.ts';

/** What a container is to do. */
export interface CallRequest {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly record: RequestRecord;
  readonly client: ClientLines;
}

const TRIES_MAX = 3;
/** How long the report of a container that broke off is waited for: it tells why. */
const REPORT_WITHIN_MS = 1_000;
const NEW: CallState = { kind: 'new' };
const OVER: CallState = { kind: 'over' };
const NONE_TRIED: ReadonlySet<string> = new Set();

/** A request on the side of the containers: it finds one, is tried elsewhere if it may be, and ends once. */
export class Call implements AnswerListener, AnswerSource {
  readonly #around: Surroundings;
  readonly #request: CallRequest;
  #listener: CallListener;
  #state: CallState = NEW;
  #tries = 0;
  /** Containers that have had their try. */
  #tried: Set<string> | undefined;

  constructor(around: Surroundings, request: CallRequest, listener: CallListener) {
    this.#around = around;
    this.#request = request;
    this.#listener = listener;
  }

  /** Sends the request, or waits for a container. */
  start(forward: Forward): void {
    const { pool, spec } = forward;
    const affinityKey = spec.isServer ? this.#request.head.affinityKey : '';
    const lease = pool.tryAcquire(spec.maxConcurrentInputs, this.#tried ?? NONE_TRIED, affinityKey);
    if (lease) return this.#send(forward, lease);
    if (spec.isServer) return this.#refuseAtOnce(forward);
    const refusal = this.#around.admission.queueRefusal(forward.party, pool.queued);
    if (refusal) return this.#answer(refusal);
    const { record } = this.#request;
    record.queued();
    const search = searchSlot(this.#around, forward, this.#tried ?? NONE_TRIED, record.traceparent, (granted) => {
      if (granted.kind === 'refused') return this.#answer(granted.answer);
      if (granted.kind === 'moved') return this.#decideAgain();
      this.#send(forward, granted.lease);
    });
    this.#state = { kind: 'waiting', forward, search };
  }

  /** What it waited for is not deployed any more. */
  #decideAgain(): void {
    this.#state = NEW;
    const { head, record } = this.#request;
    const decision = decideFor(this.#around, head, record.traceparent);
    if (decision.kind === 'answer') return this.#answer(decision.answer);
    if (decision.kind === 'forward') return this.start(decision);
    this.#around.openPool(decision, (isOpen) => {
      if (this.#state.kind !== 'new') return;
      if (isOpen) this.#decideAgain();
      else this.#answer(answers.tooManyParameterSets(this.#around.limits.parameterSetsMax));
    });
  }

  /** Nothing waits for a server class: its containers are all full, or those that were not have had their try. */
  #refuseAtOnce({ pool, spec }: Forward): void {
    this.#around.onShort(pool, spec.appId, this.#request.record.traceparent);
    const isFull = pool.hasReady && !this.#tried;
    this.#answer(isFull ? answers.serverFull(spec.maxConcurrentInputs) : answers.noneReady);
  }

  get requestId(): string {
    return this.#request.record.requestId;
  }

  /** Somebody else hears what happens from now on. */
  handOver(listener: CallListener): void {
    this.#listener = listener;
  }

  /** Where the rest of the body goes; undefined while no container has the request. */
  get bodyWire(): Wire | undefined {
    const state = this.#state;
    return state.kind === 'sent' || state.kind === 'answering' ? state.sent.upstream.wire : undefined;
  }

  /** Nobody takes more of the answer just now; what was heard last is still needed. */
  pause(): void {
    if (this.#state.kind !== 'answering') return;
    this.#state.sent.upstream.wire.keepBytes();
    this.#state.sent.upstream.wire.pause();
  }

  /** The same for as long as it may take: the function's time stands still. */
  suspend(): void {
    const state = this.#state;
    if (state.kind !== 'answering') return;
    const { sent, status } = state;
    const { leftMs } = sent.deadline;
    this.pause();
    sent.deadline.cancel();
    this.#state = { kind: 'suspended', sent, status, leftMs };
  }

  resume(): void {
    const state = this.#state;
    if (state.kind === 'suspended')
      this.#state = {
        kind: 'answering',
        status: state.status,
        sent: { ...state.sent, deadline: this.#timeout(state.leftMs) },
      };
    if (this.#state.kind === 'answering') this.#state.sent.upstream.wire.resume();
  }

  /** Nobody wants the answer any more: `status` says why. */
  abandon(status: number, error?: string): void {
    const state = this.#state;
    this.#state = OVER;
    if (state.kind === 'waiting') state.search.abandon();
    const sent = 'sent' in state ? state.sent : undefined;
    if (sent) this.#letGo(sent);
    this.#request.record.end(status, sent?.lease.container.containerId, error);
  }

  onInterim(text: string): void {
    this.#listener.onInterim(text);
  }

  onHead(head: ResponseHead, body: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'sent') return;
    if (head.isBusy) {
      this.#letGo(state.sent);
      return this.#again(state.forward, state.sent, answers.noneReady);
    }
    this.#request.record.firstByte();
    this.#state = { kind: 'answering', sent: state.sent, status: head.status };
    this.#listener.onHead(head, body);
  }

  onBody(bytes: Buffer): void {
    if (this.#answered) this.#listener.onBody(bytes);
  }

  onComplete(): void {
    const answered = this.#answered;
    if (!answered) return;
    this.#state = OVER;
    const { sent, status } = answered;
    sent.deadline.cancel();
    if (this.#request.body.isDone) this.#around.upstreams.release(sent.address, sent.upstream);
    else sent.upstream.abandon();
    sent.lease.release();
    this.#end(status, sent.lease);
    this.#listener.onComplete();
  }

  onUpgrade(head: ResponseHead, wire: Wire, early: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'sent') return wire.destroy();
    this.#state = OVER;
    const { deadline, lease } = state.sent;
    deadline.cancel();
    this.#listener.onUpgrade(head, wire, early, () => {
      lease.release();
      this.#end(101, lease);
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
    const answered = this.#answered;
    if (answered) this.#cut(answered, 'the container broke off', answers.unreachable);
  }

  onDrain(): void {
    this.#listener.onDrain();
  }

  get #answered(): Answered | undefined {
    const state = this.#state;
    return state.kind === 'answering' || state.kind === 'suspended' ? state : undefined;
  }

  #send(forward: Forward, lease: Lease): void {
    this.#tries += 1;
    const address = addressOf(lease.container, forward.route.methodName);
    if (!address) {
      lease.release();
      return this.#again(forward, { lease }, answers.unreachable);
    }
    const { head, body, record, client } = this.#request;
    const upstream = this.#around.upstreams.acquire(address, forward.spec.h2Enabled && head.upgrade === '');
    const deadline = this.#timeout(forward.spec.timeoutMs);
    this.#state = { kind: 'sent', forward, sent: { lease, address, upstream, deadline } };
    record.dispatched();
    upstream.begin({ method: head.method, asksUpgrade: head.upgrade !== '', listener: this });
    const { requestId, traceparent } = record;
    const isPort = address.endpoint?.$case === 'tcp';
    writeContainerHead(head, { client, requestId, traceparent, isPort });
    this.#listener.onSent(body.sendWithHead(upstream.wire));
  }

  /** Another container, if one may be tried; else the answer. */
  #again(forward: Forward, { lease }: Pick<Sent, 'lease'>, otherwise: Answer): void {
    this.#tried ??= new Set();
    this.#tried.add(lease.container.containerId);
    if (this.#tries >= TRIES_MAX || !this.#request.body.isRepeatable) return this.#answer(otherwise);
    this.start(forward);
  }

  #timeout(leftMs: number): Deadline {
    return this.#around.timers.after(leftMs, () => this.#expire());
  }

  #expire(): void {
    const state = this.#state;
    if (state.kind !== 'sent' && state.kind !== 'answering') return;
    this.#around.onExpired(state.sent.lease.container.containerId, 'a request ran into its timeout');
    if (state.kind === 'answering') return this.#cut(state, 'the time ran out', answers.timedOut);
    this.#letGo(state.sent);
    this.#answer(answers.timedOut);
  }

  #cut({ sent, status }: Answered, why: string, instead: Answer): void {
    this.#state = OVER;
    this.#letGo(sent);
    this.#end(status, sent.lease, why);
    this.#listener.onCut(instead);
  }

  #answer(answer: Answer): void {
    this.#state = OVER;
    this.#end(answer.status);
    this.#listener.onAnswer(answer);
  }

  #letGo({ deadline, upstream, lease }: Sent): void {
    deadline.cancel();
    upstream.abandon();
    lease.release();
  }

  #end(status: number, lease?: Lease, error?: string): void {
    this.#request.record.end(status, lease?.container.containerId, error);
  }
}
