export { type Bucket, type Change, type Entry, openBucket } from './bucket.ts';
export { connectNats, type Nats, type NatsOptions } from './connect-nats.ts';
export { type EventStream, openStream, type ReadOptions, type StreamEntry } from './event-stream.ts';
export { type Permissions, permissionsOf } from './permissions.ts';
export { publish, subscribe } from './subject.ts';
export { openView, type View, type ViewOptions, viewOf } from './view.ts';
