import { buckets, domains } from '@portico/contracts';
import { serveGrpc } from '@portico/grpc';
import { connectNats, openBucket } from '@portico/messaging';
import { type ServiceContext, socketOf } from '@portico/service';
import type { Config } from './config.ts';
import { domainApi } from './grpc/domain-api.ts';

/** Everything domains is made of, in the order in which it opens. */
export async function startDomains(config: Config, { opened, log }: ServiceContext): Promise<void> {
  const nats = opened.use(await connectNats(config.nats, log));
  const bucket = await openBucket(nats, buckets.domains, true);
  await keepOneBaseDomain(bucket, config.baseDomain);
  opened.use(
    await serveGrpc({ address: `unix://${socketOf(config.home, 'domains')}`, apis: [domainApi(bucket)], log }),
  );
}

interface DomainStore {
  entries(): Promise<{ key: string; value: domains.Domain }[]>;
  put(key: string, value: domains.Domain): Promise<number>;
  delete(key: string): Promise<void>;
}

/** The configured base domain is in force; one of an earlier configuration is not. */
async function keepOneBaseDomain(bucket: DomainStore, name: string): Promise<void> {
  const known = await bucket.entries();
  for (const { key, value } of known) {
    if (value.kind === domains.DomainKind.BASE && key !== name) await bucket.delete(key);
  }
  if (known.some(({ key }) => key === name)) return;
  const { BASE } = domains.DomainKind;
  await bucket.put(name, { name, kind: BASE, status: domains.DomainStatus.ACTIVE, createdAt: Date.now() / 1000 });
}
