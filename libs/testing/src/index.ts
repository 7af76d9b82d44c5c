export { type EventuallyOptions, eventually } from './eventually.ts';
export { natsServer, natsServerBinary, type TestNats } from './nats-server.ts';
export { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
export {
  type Finished,
  type Platform,
  type RunningClient,
  repository,
  startPlatform,
  untilPrinted,
} from './platform.ts';
export { silentLog } from './silent-log.ts';
