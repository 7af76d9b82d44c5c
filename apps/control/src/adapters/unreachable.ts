import { DomainError } from '@portico/errors';

/** What the libraries of NATS throw when its server is away, or has no room. */
const troubles: ReadonlySet<string> = new Set([
  'TimeoutError',
  'NoRespondersError',
  'RequestError',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
  'JetStreamApiError',
  'JetStreamNotEnabled',
]);

/** Says that the store can't be reached, so that clients try again; all else stays what it is. */
export function unreachable(reason: unknown): unknown {
  if (!(reason instanceof Error) || !troubles.has(reason.name)) return reason;
  return new DomainError(
    'unavailable',
    'state.unreachable',
    "The platform's store does not answer just now; try again.",
    { cause: reason },
  );
}
