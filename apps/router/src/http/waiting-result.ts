import { type Answer, answers } from '../domain/answers.ts';
import { keptHead, type ResponseHead } from '../domain/http1/response-head.ts';
import type { Deadline, TimerWheel } from '../domain/timer-wheel.ts';
import type { Call } from './call.ts';
import type { CallListener } from './call-listener.ts';
import type { Wire } from './wire.ts';

/** For whom a result waits. */
export interface ResultOwner {
  readonly host: string;
  readonly functionId: string;
  readonly workspace: string;
  /** The call was a HEAD: its answer has no body, whatever its head says. */
  readonly isHead: boolean;
}

export interface WaitingResultOptions {
  readonly timers: TimerWheel;
  /** How long an answer waits for somebody to come. */
  readonly expiryMs: number;
  /** The call has been answered, or has ended without. */
  readonly onAnswered: () => void;
  /** Nobody can read it any more. */
  readonly onOver: (result: WaitingResult) => void;
}

type State =
  /** The call has not been answered. The reader, if any, is a client that has come back and waits. */
  | { readonly kind: 'running'; readonly reader: CallListener | undefined }
  /** It has been answered, and nobody has come for it. */
  | { readonly kind: 'held'; readonly answer: HeldAnswer; readonly expiry: Deadline }
  /** The same, with an answer of the router's own. */
  | { readonly kind: 'refused'; readonly answer: Answer; readonly expiry: Deadline }
  /** Given to somebody, or gone. */
  | { readonly kind: 'over' };

interface HeldAnswer {
  readonly head: ResponseHead;
  /** What has been heard of the body, framing included. */
  readonly parts: Buffer[];
  bytes: number;
  isComplete: boolean;
}

/** An answer up to this size is taken from its container, which is then free; more of it stays there. */
const HELD_BYTES_MAX = 64 * 1024;
const RUNNING: State = { kind: 'running', reader: undefined };
const OVER: State = { kind: 'over' };

/** A call that goes on without its client: who comes back for the answer gets it, and only one does. */
export class WaitingResult implements CallListener {
  readonly call: Call;
  readonly token: string;
  readonly owner: ResultOwner;
  readonly #options: WaitingResultOptions;
  #state: State = RUNNING;

  constructor(call: Call, token: string, owner: ResultOwner, options: WaitingResultOptions) {
    this.call = call;
    this.token = token;
    this.owner = owner;
    this.#options = options;
    call.handOver(this);
  }

  /** Gives the answer to the reader, now or when it comes. Who comes last gets it: a page that is loaded again, say. */
  read(reader: CallListener): void {
    const state = this.#state;
    if (state.kind === 'running') {
      this.#state = { kind: 'running', reader };
      state.reader?.onAnswer(answers.resultGone);
    } else if (state.kind === 'held') {
      this.#finish();
      this.call.handOver(reader);
      this.call.resume();
      reader.onHead(state.answer.head, Buffer.concat(state.answer.parts));
      if (state.answer.isComplete) reader.onComplete();
    } else if (state.kind === 'refused') {
      this.#finish();
      reader.onAnswer(state.answer);
    } else reader.onAnswer(answers.resultGone);
  }

  /** The reader does not wait any longer. */
  leave(reader: CallListener): void {
    if (this.#state.kind === 'running' && this.#state.reader === reader) this.#state = RUNNING;
  }

  /** Ends the call if it still runs; nobody gets the answer. */
  drop(why: string): void {
    this.#finish();
    this.call.abandon(408, why);
  }

  onSent(): void {
    // The body was complete before the client was sent away.
  }

  onDrain(): void {
    // The same.
  }

  onInterim(text: string): void {
    if (this.#state.kind === 'running') this.#state.reader?.onInterim(text);
  }

  onHead(head: ResponseHead, body: Buffer): void {
    this.#options.onAnswered();
    const reader = this.#takeReader();
    if (reader) {
      this.call.handOver(reader);
      return reader.onHead(head, body);
    }
    this.#state = {
      kind: 'held',
      answer: { head: keptHead(head), parts: [], bytes: 0, isComplete: false },
      expiry: this.#startExpiry(),
    };
    this.onBody(body);
  }

  onBody(bytes: Buffer): void {
    if (this.#state.kind !== 'held') return;
    const { answer } = this.#state;
    answer.parts.push(Buffer.from(bytes));
    answer.bytes += bytes.length;
    if (answer.bytes > HELD_BYTES_MAX) this.call.suspend();
  }

  onComplete(): void {
    if (this.#state.kind === 'held') this.#state.answer.isComplete = true;
  }

  onUpgrade(_head: ResponseHead, container: Wire, _early: Buffer, onOver: () => void): void {
    // Nobody has asked for another protocol: such requests are not sent away.
    container.destroy();
    onOver();
    this.onAnswer(answers.unreachable);
  }

  onAnswer(answer: Answer): void {
    this.#options.onAnswered();
    const reader = this.#takeReader();
    if (reader) return reader.onAnswer(answer);
    this.#state = { kind: 'refused', answer, expiry: this.#startExpiry() };
  }

  onCut(instead: Answer): void {
    // Nobody has got any of it: this is as good as an answer that has not begun.
    if (this.#state.kind === 'held') this.#state = { kind: 'refused', answer: instead, expiry: this.#state.expiry };
  }

  /** Who waits for the answer; it is theirs from now on. */
  #takeReader(): CallListener | undefined {
    const reader = this.#state.kind === 'running' ? this.#state.reader : undefined;
    if (reader) this.#finish();
    return reader;
  }

  #startExpiry(): Deadline {
    return this.#options.timers.after(this.#options.expiryMs, () => this.drop('nobody came for the answer'));
  }

  #finish(): void {
    const state = this.#state;
    if (state.kind === 'held' || state.kind === 'refused') state.expiry.cancel();
    this.#state = OVER;
    this.#options.onOver(this);
  }
}
