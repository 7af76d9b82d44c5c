export { type EventuallyOptions, eventually } from './eventually.ts';
export { natsServer, natsServerBinary, type TestNats } from './nats-server.ts';
export { silentLog } from './silent-log.ts';
