import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** W3C trace context as it travels in headers and messages. */
export interface TraceCarrier {
  traceparent?: string;
  tracestate?: string;
}

const tracer = () => trace.getTracer('portico');

/** The running trace as a `traceparent`; empty when there is none. */
export function currentTraceparent(): string {
  return carrierOfContext(context.active()).traceparent ?? '';
}

/** The carrier of a context, to be sent along. */
export function carrierOfContext(from: Context): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(from, carrier);
  return carrier;
}

/** The context that a received `traceparent` names; the root when it is empty or malformed. */
export function contextOfTraceparent(traceparent: string | undefined): Context {
  if (!traceparent) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

export interface SpanOptions {
  /** A received `traceparent`; without it the span belongs to the running trace. */
  readonly traceparent?: string | undefined;
  readonly attributes?: Attributes;
  readonly kind?: 'server' | 'client' | 'internal' | 'producer' | 'consumer';
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Runs `work` inside a span that ends with it and tells whether it failed. */
export async function withSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  const parent = options.traceparent ? contextOfTraceparent(options.traceparent) : context.active();
  const span = tracer().startSpan(
    name,
    { kind: kinds[options.kind ?? 'internal'], attributes: options.attributes ?? {} },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    span.end();
  }
}

/** A span whose start and end are known only afterwards. Times are milliseconds since the epoch. */
export function recordSpan(
  name: string,
  times: { readonly startMs: number; readonly endMs: number },
  options: SpanOptions & { readonly error?: string } = {},
): string {
  const parent = options.traceparent ? contextOfTraceparent(options.traceparent) : context.active();
  const span = tracer().startSpan(
    name,
    { kind: kinds[options.kind ?? 'internal'], attributes: options.attributes ?? {}, startTime: times.startMs },
    parent,
  );
  if (options.error) span.setStatus({ code: SpanStatusCode.ERROR, message: options.error });
  span.end(times.endMs);
  return carrierOfContext(trace.setSpan(parent, span)).traceparent ?? '';
}

/** A span that is opened in one place and ended in another. */
export interface OpenSpan {
  /** Of this span, to be passed on; empty while no telemetry runs. */
  readonly traceparent: string;
  event(name: string): void;
  end(attributes?: Attributes, error?: string): void;
}

export function openSpan(name: string, options: SpanOptions = {}): OpenSpan {
  const parent = options.traceparent ? contextOfTraceparent(options.traceparent) : ROOT_CONTEXT;
  const span = tracer().startSpan(
    name,
    { kind: kinds[options.kind ?? 'internal'], attributes: options.attributes ?? {} },
    parent,
  );
  return {
    traceparent: carrierOfContext(trace.setSpan(parent, span)).traceparent ?? '',
    event: (text) => void span.addEvent(text),
    end(attributes, error) {
      if (attributes) span.setAttributes(attributes);
      if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end();
    },
  };
}
