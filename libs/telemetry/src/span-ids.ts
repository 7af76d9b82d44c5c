import { randomBytes } from 'node:crypto';

/** The ids of one span, in hexadecimal: 32 and 16 digits. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

let chosen: SpanIds | undefined;

/** Gives spans random ids, except those made inside of `withSpanIds`. */
export const spanIdGenerator = {
  generateTraceId: (): string => chosen?.traceId ?? randomBytes(16).toString('hex'),
  generateSpanId: (): string => chosen?.spanId ?? randomBytes(8).toString('hex'),
};

/** Spans begun by `work` get these ids: the ones that others were already told of. */
export function withSpanIds<T>(ids: SpanIds | undefined, work: () => T): T {
  chosen = ids;
  try {
    return work();
  } finally {
    chosen = undefined;
  }
}
