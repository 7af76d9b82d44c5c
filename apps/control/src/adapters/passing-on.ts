import { DomainError, type ErrorCode, type ErrorKind } from '@portico/errors';
import { RemoteError } from '@portico/grpc';

/** Refusals that are for our caller as they are; the others are ours to explain. */
const refusals: ReadonlySet<ErrorKind> = new Set([
  'invalid-argument',
  'not-found',
  'already-exists',
  'failed-precondition',
  'resource-exhausted',
  'unimplemented',
]);

/** A neighbour of the platform whose refusals are passed on with its own code and sentence. */
export function passingOn<C extends object>(client: C): C {
  const wrapped = Object.entries(client).map(([name, call]) => [
    name,
    (...args: unknown[]) => translated((call as (...args: unknown[]) => unknown)(...args)),
  ]);
  return Object.fromEntries(wrapped) as C;
}

function translated(answer: unknown): unknown {
  if (answer instanceof Promise) {
    return answer.catch((reason: unknown) => {
      throw ownWords(reason);
    });
  }
  return translatedStream(answer as AsyncIterable<unknown>);
}

async function* translatedStream(messages: AsyncIterable<unknown>): AsyncIterable<unknown> {
  try {
    yield* messages;
  } catch (reason) {
    throw ownWords(reason);
  }
}

function ownWords(reason: unknown): unknown {
  if (!(reason instanceof RemoteError) || !refusals.has(reason.kind) || !isSaid(reason.code)) return reason;
  return new DomainError(reason.kind, reason.code as ErrorCode, reason.message, { cause: reason });
}

/** Not of a transport, and not of a neighbour that is older than we are. */
const isSaid = (code: string): boolean => code.includes('.') && code !== 'rpc.unimplemented';
