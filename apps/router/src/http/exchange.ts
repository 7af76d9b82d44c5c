import { type Answer, answers } from '../domain/answers.ts';
import { decideTarget, proxyCredentialsOf } from '../domain/decide-target.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import type { Surroundings } from '../surroundings.ts';
import { Call } from './call.ts';
import type { CallListener } from './call-listener.ts';
import type { Forward } from './call-state.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { RequestBody } from './request-body.ts';
import { RequestRecord } from './request-record.ts';
import type { Wire } from './wire.ts';

/** Where a request and its answer are. */
type State =
  | { readonly kind: 'new' }
  /** The call has not been answered yet. */
  | { readonly kind: 'calling'; readonly call: Call }
  | { readonly kind: 'answering'; readonly call: Call; readonly status: number; readonly closes: boolean }
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

  constructor(around: Surroundings, client: ExchangeClient, head: RequestHead) {
    this.#around = around;
    this.#client = client;
    this.#head = head;
    this.#body = new RequestBody(head.framing, around.limits.bodyBytesMax);
    this.#record = new RequestRecord(head, around.isTracing);
  }

  /** Decides over the request, and calls if it may. */
  start(): void {
    if (this.#state.kind !== 'new') return;
    const { routes, verify, poolOf, rate } = this.#around;
    const target = routes.find(this.#head.host);
    const decision = decideTarget({ target, credentials: proxyCredentialsOf(this.#head), verify, poolOf });
    if (decision.kind === 'answer') return this.onAnswer(decision.answer);
    const waitMs = rate(decision.workspace);
    if (waitMs > 0) return this.onAnswer(answers.rateLimited(Math.ceil(waitMs / 1_000)));
    if (this.#body.isTooLarge) return this.onAnswer(answers.bodyTooLarge);
    this.#call(decision);
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
    const wire = this.#runningCall?.bodyWire;
    if (wire) {
      if (end > from && !wire.write(bytes.subarray(from, end))) this.#client.pause(true);
    } else if (this.#body.isFull) this.#client.pause(false);
    return end;
  }

  /** What was written to the client has gone: the container may go on. */
  onClientDrain(): void {
    if (this.#state.kind === 'answering') this.#state.call.resume();
  }

  /** The client has left. */
  abandon(): void {
    const call = this.#runningCall;
    this.#state = OVER;
    call?.abandon(499);
    this.#over(499);
  }

  onSent(isThrough: boolean): void {
    // A client that sends nothing is still read, to notice when it leaves.
    if (isThrough || this.#body.isDone) this.#client.resume();
    else this.#client.pause(false);
  }

  onDrain(): void {
    this.#client.resume();
  }

  onInterim(text: string): void {
    if (!this.#head.isHttp10) this.#client.sendInterim(text);
  }

  onHead(head: ResponseHead, body: Buffer): void {
    const state = this.#state;
    if (state.kind !== 'calling') return;
    const { isHttp10, keepsAlive } = this.#head;
    const { requestId } = this.#record;
    // A body that the container did not wait for can't be told from the next request.
    const closes = !keepsAlive || this.#client.isStopping || head.framing.kind === 'until-close' || !this.#body.isDone;
    this.#state = { kind: 'answering', call: state.call, status: head.status, closes };
    if (!this.#client.sendHead(head, { requestId, isHttp10, closes }, body)) state.call.pause();
  }

  onBody(bytes: Buffer): void {
    const state = this.#state;
    if (state.kind === 'answering' && !this.#client.sendBody(bytes)) state.call.pause();
  }

  onComplete(): void {
    const state = this.#state;
    if (state.kind !== 'answering') return;
    this.#state = OVER;
    this.#over(state.status);
    this.#client.end(state.closes);
  }

  onUpgrade(head: ResponseHead, container: Wire, early: Buffer, onOver: () => void): void {
    this.#state = OVER;
    this.#client.becomeTunnel(head, container, early, () => {
      onOver();
      this.#over(101);
    });
  }

  onAnswer(answer: Answer): void {
    this.#state = OVER;
    const closes = !this.#head.keepsAlive || this.#client.isStopping || !this.#body.isDone;
    this.#client.sendAnswer(answer, closes, this.#head.method === 'HEAD');
    this.#over(answer.status);
    this.#client.end(closes);
  }

  onCut(): void {
    if (this.#state.kind === 'answering') this.#cut(this.#state.status);
  }

  get #runningCall(): Call | undefined {
    const state = this.#state;
    return state.kind === 'calling' || state.kind === 'answering' ? state.call : undefined;
  }

  #call(forward: Forward): void {
    const { address, scheme } = this.#client;
    const request = { head: this.#head, body: this.#body, record: this.#record, clientAddress: address, scheme };
    const call = new Call(this.#around, request, this);
    this.#state = { kind: 'calling', call };
    call.start(forward);
  }

  /** The body can't be read to its end: nothing after it can be trusted. */
  #endBody(answer: Answer): void {
    const state = this.#state;
    this.#runningCall?.abandon(answer.status, answer.text);
    if (state.kind === 'answering') this.#cut(state.status);
    else this.onAnswer(answer);
  }

  #cut(status: number): void {
    this.#state = OVER;
    this.#over(status);
    this.#client.cut();
  }

  /** Told once, whatever the end is. */
  #over(status: number): void {
    this.#around.metrics.requestEnded(status, this.#record.seconds);
    this.#record.end(status);
  }
}
