import { meterOf, recordSpan } from '@portico/telemetry';
import type { EndedRequest } from '../domain/ended-request.ts';
import { allocateRing, readerOf } from './record-ring.ts';

const EVERY_MS = 100;
const MS = 1_000;

/** Tells telemetry of requests that are over, away from the thread that served them. */
export interface RequestTeller extends Disposable {
  /** A ring whose records are told from now on. */
  openRing(): SharedArrayBuffer;
}

export function startRequestTeller(): RequestTeller {
  const meter = meterOf('router');
  const durations = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'From the head of a request to the end of its answer',
  });
  const waits = meter.createHistogram('portico.router.wait.duration', {
    unit: 's',
    description: 'How long requests waited for a slot, if they had to',
  });
  const dropped = meter.createCounter('portico.router.records.dropped', {
    description: 'Requests that no span and no figure tells of, because too many ended at once',
  });
  const readers: ReturnType<typeof readerOf>[] = [];
  const tell = (record: EndedRequest): void => {
    const { beganMs, endedMs, queuedMs, dispatchedMs, status } = record;
    durations.record((endedMs - beganMs) / MS, { 'http.response.status_code': status });
    if (queuedMs > 0 && dispatchedMs > queuedMs) waits.record((dispatchedMs - queuedMs) / MS);
    recordRequest(record);
  };
  const tellAll = (): void => {
    for (const reader of readers) {
      reader.drain(tell);
      const count = reader.takeDropped();
      if (count > 0) dropped.add(count);
    }
  };
  const timer = setInterval(tellAll, EVERY_MS);
  return {
    openRing() {
      const ring = allocateRing();
      readers.push(readerOf(ring));
      return ring;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      tellAll();
    },
  };
}

function recordRequest(record: EndedRequest): void {
  const { beganMs, endedMs, traceparent, parentSpanId, method, host, status, containerId, error } = record;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const attributes = {
    'http.request.method': method,
    'server.address': host,
    'http.response.status_code': status,
    ...(containerId && { 'container.id': containerId }),
  };
  const events = [
    { name: 'queued', atMs: record.queuedMs },
    { name: 'dispatched', atMs: record.dispatchedMs },
    { name: 'sent away', atMs: record.sentAwayMs },
    { name: 'first byte', atMs: record.firstByteMs },
  ].filter(({ atMs }) => atMs > 0);
  recordSpan(
    method,
    { startMs: beganMs, endMs: endedMs },
    {
      ...{ kind: 'server', attributes, events, error, ids: { traceId, spanId } },
      traceparent: parentSpanId && `00-${traceId}-${parentSpanId}-${flags}`,
    },
  );
}
