import { type OpenSpan, openSpan } from '@portico/telemetry';
import type { RequestHead } from '../domain/http1/request-head.ts';
import { freshTraceparent, nextRequestId, validTraceparent } from '../domain/request-identity.ts';

/** The id of a request, its trace, and since when it runs. */
export class RequestRecord {
  readonly requestId = nextRequestId();
  readonly traceparent: string;
  readonly #beganMs = performance.now();
  #span: OpenSpan | undefined;

  constructor({ method, host, traceparent }: RequestHead, isTracing: boolean) {
    const theirs = validTraceparent(traceparent);
    if (isTracing) {
      const attributes = { 'http.request.method': method, 'server.address': host };
      this.#span = openSpan(method, { kind: 'server', traceparent: theirs, attributes });
    }
    this.traceparent = this.#span?.traceparent || theirs || freshTraceparent();
  }

  get seconds(): number {
    return (performance.now() - this.#beganMs) / 1_000;
  }

  event(name: string): void {
    this.#span?.event(name);
  }

  /** Closes the span; only the first end counts. */
  end(status: number, containerId?: string, error?: string): void {
    const span = this.#span;
    this.#span = undefined;
    const attributes = { 'http.response.status_code': status };
    span?.end(containerId === undefined ? attributes : { ...attributes, 'container.id': containerId }, error);
  }
}
