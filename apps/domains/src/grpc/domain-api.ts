import { domains } from '@portico/contracts';
import { type ServedApi, serveAll } from '@portico/grpc';
import { refusalOf } from '../domain/refusal.ts';

interface DomainReader {
  entries(): Promise<{ value: domains.Domain }[]>;
}

export function domainApi(bucket: DomainReader): ServedApi {
  return serveAll(domains.DomainServiceService, {
    listDomains: async () => ({ domains: (await bucket.entries()).map(({ value }) => value) }),
    checkCustomDomains: ({ names }) => ({ refusal: refusalOf(names) }),
  });
}
