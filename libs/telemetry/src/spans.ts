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
import { type SpanIds, withSpanIds } from './span-ids.ts';

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

/** What is known of a span that is told afterwards. Times are milliseconds since the epoch. */
export interface RecordOptions extends SpanOptions {
  readonly error?: string | undefined;
  readonly events?: readonly { readonly name: string; readonly atMs: number }[];
  /** The ids under which the span was already passed on; without them it gets new ones. */
  readonly ids?: SpanIds;
}

/** A span whose start and end are known only afterwards. Returns it as a `traceparent`. */
export function recordSpan(
  name: string,
  times: { readonly startMs: number; readonly endMs: number },
  options: RecordOptions = {},
): string {
  const parent = options.traceparent ? contextOfTraceparent(options.traceparent) : context.active();
  const attributes = options.attributes ?? {};
  const kind = kinds[options.kind ?? 'internal'];
  const span = withSpanIds(options.ids, () =>
    tracer().startSpan(name, { kind, attributes, startTime: times.startMs }, parent),
  );
  for (const { name: event, atMs } of options.events ?? []) span.addEvent(event, atMs);
  if (options.error) span.setStatus({ code: SpanStatusCode.ERROR, message: options.error });
  span.end(times.endMs);
  return carrierOfContext(trace.setSpan(parent, span)).traceparent ?? '';
}
