import { nodeAgent } from '@portico/contracts';
import { answers } from '../domain/answers.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import type { ResponseHead } from '../domain/http1/response-head.ts';
import { originLineOf } from '../domain/result-url.ts';
import type { AnswerSource } from './answer-source.ts';
import type { CallListener } from './call-listener.ts';
import type { AnswerListener, Upstream } from './upstream.ts';
import type { UpstreamPool } from './upstream-pool.ts';
import type { Wire } from './wire.ts';

/** Asks another thread of this router for the answer that it keeps: it may be the answer, or to come again. */
export class ResultFetch implements AnswerListener, AnswerSource {
  /** The answer has the id of the call already. */
  readonly requestId = '';
  readonly #upstreams: UpstreamPool;
  readonly #address: nodeAgent.Address;
  readonly #upstream: Upstream;
  readonly #listener: CallListener;
  #isOver = false;

  constructor(upstreams: UpstreamPool, socketPath: string, listener: CallListener) {
    this.#address = nodeAgent.Address.create({ endpoint: { $case: 'unixPath', value: socketPath } });
    this.#upstreams = upstreams;
    this.#upstream = upstreams.acquire(this.#address);
    this.#listener = listener;
  }

  start(head: RequestHead): void {
    const { method, target, host } = head;
    this.#upstream.begin({ method, asksUpgrade: false, listener: this });
    // Whether the client may read it was decided here; that thread only asks whether anybody has.
    const credentials = 'modal-key: thread\r\nmodal-secret: thread\r\n';
    this.#upstream.wire.writeText(
      `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${credentials}${originLineOf(head)}\r\n`,
    );
  }

  pause(): void {
    this.#upstream.wire.keepBytes();
    this.#upstream.wire.pause();
  }

  resume(): void {
    this.#upstream.wire.resume();
  }

  abandon(): void {
    if (this.#end()) this.#upstream.abandon();
  }

  onInterim(text: string): void {
    this.#listener.onInterim(text);
  }

  onHead(head: ResponseHead, body: Buffer): void {
    this.#listener.onHead(head, body);
  }

  onBody(bytes: Buffer): void {
    this.#listener.onBody(bytes);
  }

  onComplete(): void {
    if (!this.#end()) return;
    this.#upstreams.release(this.#address, this.#upstream);
    this.#listener.onComplete();
  }

  onUpgrade(_head: ResponseHead, wire: Wire): void {
    wire.destroy();
    if (this.#end()) this.#listener.onAnswer(answers.unreachable);
  }

  onFailure(): void {
    if (this.#end()) this.#listener.onAnswer(answers.resultGone);
  }

  onCut(): void {
    if (this.#end()) this.#listener.onCut(answers.unreachable);
  }

  onDrain(): void {
    // The request is a head and no more.
  }

  /** Whether this is the end of it. */
  #end(): boolean {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    return isFirst;
  }
}
