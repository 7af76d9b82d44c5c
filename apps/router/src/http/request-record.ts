import { performance } from 'node:perf_hooks';
import type { RecordWriter } from '../adapters/record-ring.ts';
import type { RequestHead } from '../domain/http1/request-head.ts';
import { freshTraceparent, nextRequestId, ownTraceparent, validTraceparent } from '../domain/request-identity.ts';

/** The id of a request, its trace, and what happened when. Plain numbers: telemetry sees it when it is over. */
export class RequestRecord {
  readonly requestId = nextRequestId();
  readonly traceparent: string;
  readonly #head: RequestHead;
  /** Absent when nobody wants to know, and once it was told. */
  #writer: RecordWriter | undefined;
  readonly #beganMs: number;
  #queuedMs = 0;
  #dispatchedMs = 0;
  #firstByteMs = 0;
  #sentAwayMs = 0;

  constructor(head: RequestHead, writer: RecordWriter | undefined) {
    const theirs = validTraceparent(head.traceparent);
    this.#head = head;
    this.#writer = writer;
    this.#beganMs = writer ? now() : 0;
    this.traceparent = writer ? ownTraceparent(theirs) : (theirs ?? freshTraceparent());
  }

  /** It has to wait for a slot. */
  queued(): void {
    if (this.#writer) this.#queuedMs ||= now();
  }

  /** A container gets it; the last one counts. */
  dispatched(): void {
    if (this.#writer) this.#dispatchedMs = now();
  }

  firstByte(): void {
    if (this.#writer) this.#firstByteMs = now();
  }

  /** Its client is to ask for the answer elsewhere; the call goes on. */
  sentAway(): void {
    if (this.#writer) this.#sentAwayMs = now();
  }

  /** Tells of it; only the first end counts. */
  end(status: number, containerId = '', error = ''): void {
    const writer = this.#writer;
    if (!writer) return;
    this.#writer = undefined;
    const { method, host, traceparent: theirs } = this.#head;
    writer.write({
      ...{ beganMs: this.#beganMs, endedMs: now(), queuedMs: this.#queuedMs },
      ...{ dispatchedMs: this.#dispatchedMs, firstByteMs: this.#firstByteMs, sentAwayMs: this.#sentAwayMs },
      ...{ status, method, host, traceparent: this.traceparent, containerId, error },
      parentSpanId: validTraceparent(theirs)?.slice(36, 52) ?? '',
    });
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
