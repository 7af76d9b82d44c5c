export { type CertificatePaths, selfSignedCertificate } from './certificate.ts';
export {
  type Finished,
  type OfficialClient,
  officialClient,
  type RunningClient,
  repository,
  untilPrinted,
} from './client.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { natsServer, natsServerBinary, type TestNats } from './nats-server.ts';
export { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
export { type Platform, startPlatform } from './platform.ts';
export { silentLog } from './silent-log.ts';
