import { type Answer, answers } from '../domain/answers.ts';
import type { Destination } from '../domain/decide-target.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import { crossOriginHeaders, preflightAnswer, resultTokenOf, resultUrlOf } from '../domain/result-url.ts';
import type { Deadline } from '../domain/timer-wheel.ts';
import { sharedClockUs } from '../shared/clock.ts';
import type { Surroundings } from '../surroundings.ts';
import type { AnswerSource } from './answer-source.ts';
import { BodyWatch } from './body-watch.ts';
import { Call } from './call.ts';
import type { CallListener } from './call-listener.ts';
import type { Forward, Unopened } from './call-state.ts';
import { decideFor } from './decide-for.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { RequestBody } from './request-body.ts';
import { RequestRecord } from './request-record.ts';
import { ResultFetch } from './result-fetch.ts';
import type { WaitingResult } from './waiting-result.ts';
import type { Wire } from './wire.ts';

/** Where a request and its answer are. */
type State =
  | { readonly kind: 'new' }
  /** The call has not been answered yet. `result` = another client's call, whose answer this one has come for. */
  | { readonly kind: 'calling'; readonly call: Call; readonly to: Destination; readonly result?: WaitingResult }
  /** The same, of a call that another thread keeps. */
  | { readonly kind: 'fetching'; readonly call: ResultFetch }
  | { readonly kind: 'answering'; readonly call: AnswerSource; readonly status: number; readonly closes: boolean }
  | { readonly kind: 'over' };

const NEW: State = { kind: 'new' };
const OVER: State = { kind: 'over' };

/** One request and its answer, on the side of the client. */
export class Exchange implements CallListener {
  readonly #around: Surroundings;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #body: RequestBody;
  readonly #record: RequestRecord;
  #state: State = NEW;
  /** Whose body this one's is; the call that a result comes from has had its own. */
  #ownCall: Call | undefined;
  /** While a container waits for the rest of the body. */
  #watch: BodyWatch | undefined;
  /** How long the client waits for an answer before it is sent away. */
  #patience: Deadline | undefined;

  constructor(around: Surroundings, client: ExchangeClient, head: RequestHead) {
    this.#around = around;
    this.#client = client;
    this.#head = head;
    this.#body = new RequestBody(head.framing, around.limits.bodyBytesMax);
    this.#record = new RequestRecord(head, around.records);
  }

  /** Decides over the request, and calls if it may. */
  start(): void {
    if (this.#state.kind !== 'new') return;
    const decision = decideFor(this.#around, this.#head, this.#record.traceparent);
    if (decision.kind === 'answer') return this.onAnswer(decision.answer);
    const token = resultTokenOf(this.#head.target);
    if (token !== undefined) return this.#comeFor(token, decision);
    const refusal = this.#around.admission.refusal(decision.party, sharedClockUs());
    if (refusal) return this.onAnswer(refusal);
    this.#callOrOpen(decision);
  }

  #callOrOpen(decision: Forward | Unopened): void {
    if (this.#body.isTooLarge) return this.onAnswer(answers.bodyTooLarge);
    if (decision.kind === 'forward') return this.#call(decision);
    this.#around.openPool(decision, (isOpen) => {
      if (this.#state.kind !== 'new') return;
      if (!isOpen) return this.onAnswer(answers.tooManyParameterSets(this.#around.limits.parameterSetsMax));
      const again = decideFor(this.#around, this.#head, this.#record.traceparent);
      if (again.kind === 'answer') return this.onAnswer(again.answer);
      this.#callOrOpen(again);
    });
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
    if (this.#body.isDone) this.#watch?.stop();
    else this.#watch?.came();
    const wire = this.#ownCall?.bodyWire;
    if (wire) {
      if (end > from && !wire.write(bytes.subarray(from, end))) this.#pause(true);
    } else if (this.#body.isFull) this.#pause(false);
    this.#beginPatience();
    return end;
  }

  /** What was written to the client has gone: the container may go on. */
  onClientDrain(): void {
    if (this.#state.kind === 'answering') this.#state.call.resume();
  }

  /** The client has left. */
  abandon(): void {
    this.#leaveCall(499);
    this.#become(OVER);
    this.#record.end(499);
  }

  onSent(isThrough: boolean): void {
    // Who asks whether to send the body at all waits for an answer, and may.
    if (this.#body.hasBegun || !this.#head.expectsContinue) this.#watchBody();
    // A client that sends nothing is still read, to notice when it leaves.
    if (isThrough || this.#body.isDone) this.#resume();
    else this.#pause(false);
  }

  onDrain(): void {
    this.#resume();
  }

  onInterim(text: string): void {
    if (!this.#head.isHttp10) this.#client.sendInterim(text);
    this.#watchBody();
  }

  onHead(head: ResponseHead, body: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'calling' && state.kind !== 'fetching') return;
    const { isHttp10, keepsAlive } = this.#head;
    const { requestId } = state.call;
    // A body that the container did not wait for can't be told from the next request.
    const closes = !keepsAlive || this.#client.isStopping || head.framing.kind === 'until-close' || !this.#body.isDone;
    this.#become({ kind: 'answering', call: state.call, status: head.status, closes });
    if (!this.#client.sendHead(head, { requestId, isHttp10, closes }, body)) state.call.pause();
  }

  onBody(bytes: Buffer): void {
    const state = this.#state;
    if (state.kind === 'answering' && !this.#client.sendBody(bytes)) state.call.pause();
  }

  onComplete(): void {
    const state = this.#state;
    if (state.kind !== 'answering') return;
    this.#become(OVER);
    this.#record.end(state.status);
    this.#client.end(state.closes);
  }

  onUpgrade(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void {
    this.#become(OVER);
    this.#client.becomeTunnel(head, container, early, () => {
      onOver();
      this.#record.end(101);
    });
  }

  onAnswer(answer: Answer): void {
    this.#record.end(answer.status);
    const isOfResult = resultTokenOf(this.#head.target) !== undefined;
    this.#reply(isOfResult ? this.#forAnyOrigin(answer) : answer);
  }

  onCut(): void {
    if (this.#state.kind === 'answering') this.#cut(this.#state.status);
  }

  get #source(): AnswerSource | undefined {
    const state = this.#state;
    return state.kind === 'new' || state.kind === 'over' ? undefined : state.call;
  }

  #pause(keeping: boolean): void {
    this.#client.pause(keeping);
    this.#watch?.pause();
  }

  #resume(): void {
    this.#client.resume();
    this.#watch?.resume();
  }

  #watchBody(): void {
    if (this.#body.isDone || this.#watch || this.#state.kind !== 'calling') return;
    const { timers, limits } = this.#around;
    this.#watch = new BodyWatch(timers, limits.bodyTimeoutMs, () => this.#endBody(answers.slowClient));
  }

  #call(forward: Forward): void {
    const request = { head: this.#head, body: this.#body, record: this.#record, client: this.#client.lines };
    const call = new Call(this.#around, request, this);
    this.#ownCall = call;
    this.#become({ kind: 'calling', call, to: forward });
    this.#beginPatience();
    call.start(forward);
  }

  /** A client that was sent away has come for its answer. */
  #comeFor(token: string, to: Destination): void {
    const { method, host } = this.#head;
    const preflight = preflightAnswer(this.#head);
    if (preflight) return this.onAnswer(preflight);
    const keeper = this.#around.results.threadOf(token);
    if (keeper !== undefined) return this.#fetchFrom(keeper);
    const result = this.#around.results.find(token, { host, functionId: to.route.functionId });
    const isHead = method === 'HEAD';
    if ((method !== 'GET' && !isHead) || (result && result.owner.isHead !== isHead))
      return this.onAnswer(answers.badRedirectMethod);
    if (!result) return this.onAnswer(answers.resultGone);
    this.#become({ kind: 'calling', call: result.call, to, result });
    this.#beginPatience();
    result.read(this);
  }

  #fetchFrom(thread: number): void {
    const { upstreams, privateSockets } = this.#around;
    const path = privateSockets[thread];
    if (this.#head.method !== 'GET' && this.#head.method !== 'HEAD') return this.onAnswer(answers.badRedirectMethod);
    if (path === undefined) return this.onAnswer(answers.resultGone);
    const fetch = new ResultFetch(upstreams, path, this);
    this.#become({ kind: 'fetching', call: fetch });
    fetch.start(this.#head);
  }

  /** Who asks for another protocol, or a server class, waits for as long as it takes. */
  #beginPatience(): void {
    const state = this.#state;
    if (state.kind !== 'calling' || this.#patience || !this.#body.isDone) return;
    if (this.#head.upgrade !== '' || state.to.spec.isServer) return;
    const { timers, limits } = this.#around;
    this.#patience = timers.after(limits.redirectAfterMs, () => this.#sendAway(state));
  }

  /** The call goes on; the client is told where to ask for its answer. */
  #sendAway({ call, to, result: known }: State & { kind: 'calling' }): void {
    const { host, method, target } = this.#head;
    const { party, route } = to;
    const owner = { host, functionId: route.functionId, workspace: party.workspace, isHead: method === 'HEAD' };
    const result = known ?? this.#around.results.keep(call, owner);
    if (!result) {
      this.#patience = undefined;
      return this.#beginPatience();
    }
    known?.leave(this);
    if (known) this.#record.end(303);
    else this.#record.sentAway();
    this.#reply(this.#forAnyOrigin(answers.comeBack(resultUrlOf(target, result.token))));
  }

  #forAnyOrigin(answer: Answer): Answer {
    return { ...answer, headers: { ...answer.headers, ...crossOriginHeaders(this.#head) } };
  }

  /** Nobody waits for the call any more, or one client less for a result. */
  #leaveCall(status: number, why?: string): void {
    const state = this.#state;
    if (state.kind === 'calling' && state.result) state.result.leave(this);
    else this.#source?.abandon(status, why);
  }

  /** The body can't be read to its end: nothing after it can be trusted. */
  #endBody(answer: Answer): void {
    const state = this.#state;
    this.#leaveCall(answer.status, answer.text);
    if (state.kind === 'answering') this.#cut(state.status);
    else this.onAnswer(answer);
  }

  #cut(status: number): void {
    this.#become(OVER);
    this.#record.end(status);
    this.#client.cut();
  }

  #reply(answer: Answer): void {
    this.#become(OVER);
    const closes = !this.#head.keepsAlive || this.#client.isStopping || !this.#body.isDone;
    this.#client.sendAnswer(answer, closes, this.#head.method === 'HEAD');
    this.#client.end(closes);
  }

  #become(state: State): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#watch?.stop();
    this.#state = state;
  }
}
