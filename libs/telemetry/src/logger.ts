import { trace } from '@opentelemetry/api';
import { type Logger as PinoLogger, pino } from 'pino';

/** JSON lines on stdout, each with the ids of the trace it belongs to. */
export type Logger = PinoLogger;

/** The logger of one service. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent. */
export function createLogger(service: string, level = 'info'): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => {
      const context = trace.getActiveSpan()?.spanContext();
      return context ? { trace_id: context.traceId, span_id: context.spanId } : {};
    },
  });
}
