import { accessRules, buckets, type ServiceName, streams, subjects } from '@portico/contracts';

/** What the NATS server lets one user publish and hear. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Derives the server's permissions from the tables of the contracts: each service has only its subjects. */
export function permissionsOf(service: ServiceName): Permissions {
  const rule = accessRules[service];
  const ownBuckets = Object.values(buckets).filter((bucket) => bucket.owner === service);
  const readBuckets = rule.reads.map((key) => buckets[key as keyof typeof buckets]);
  const ownStreams = Object.values(streams).filter((stream) => stream.owner === service);
  const readStreams = rule.readsStreams.map((key) => streams[key as keyof typeof streams]);
  const owned = [...ownBuckets.map((bucket) => `KV_${bucket.name}`), ...ownStreams.map((stream) => stream.name)];
  const read = [...readBuckets.map((bucket) => `KV_${bucket.name}`), ...readStreams.map((stream) => stream.name)];
  const ownSubjects = Object.values(subjects).filter((subject) => subject.owner === service);
  const heard = rule.listens.map((key) => subjects[key as keyof typeof subjects]);
  return {
    publish: [
      '$JS.API.INFO',
      ...[...owned, ...read].flatMap(readingApi),
      ...owned.flatMap(owningApi),
      ...ownBuckets.map((bucket) => `$KV.${bucket.name}.>`),
      ...ownStreams.map((stream) => `${stream.prefix}.>`),
      ...ownSubjects.map((subject) => (subject.hasId ? `${subject.prefix}.*` : subject.prefix)),
    ],
    subscribe: [
      `_INBOX_${service}.>`,
      ...heard.map((subject) => (subject.hasId ? `${subject.prefix}.*` : subject.prefix)),
    ],
  };
}

function readingApi(stream: string): string[] {
  return [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.>`,
    `$JS.API.CONSUMER.DELETE.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
    `$JS.FC.${stream}.>`,
    `$JS.ACK.${stream}.>`,
  ];
}

function owningApi(stream: string): string[] {
  return [
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    `$JS.API.STREAM.PURGE.${stream}`,
    `$JS.API.STREAM.MSG.DELETE.${stream}`,
  ];
}
