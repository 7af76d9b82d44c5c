export { createLogger, type Logger } from './logger.ts';
export {
  carrierOfContext,
  contextOfTraceparent,
  currentTraceparent,
  type RecordOptions,
  recordSpan,
  type SpanOptions,
  type TraceCarrier,
  withSpan,
} from './spans.ts';
export { meterOf, startTelemetry } from './start-telemetry.ts';
