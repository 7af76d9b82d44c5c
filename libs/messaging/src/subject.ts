import type { SubjectSpec } from '@portico/contracts';
import type { Logger } from '@portico/telemetry';
import type { Nats } from './connect-nats.ts';

/** Tells a fact to whoever listens; nothing is kept. Lost while NATS is away. `id` only for subjects that have one. */
export function publish<T>(nats: Nats, spec: SubjectSpec<T>, id: string, value: T): void {
  if (nats.connection.isClosed()) return;
  nats.connection.publish(spec.hasId ? `${spec.prefix}.${id}` : spec.prefix, spec.codec.encode(value).finish());
}

/** Hears a fact until disposed. A handler that throws is logged; the next message still comes. */
export function subscribe<T>(
  nats: Nats,
  spec: SubjectSpec<T>,
  handle: (value: T, id: string) => void,
  log: Logger,
): AsyncDisposable {
  const subscription = nats.connection.subscribe(spec.hasId ? `${spec.prefix}.*` : spec.prefix, {
    callback: (error, message) => {
      if (error) return log.warn({ err: error, subject: spec.prefix }, 'A subscription failed');
      try {
        handle(spec.codec.decode(message.data), message.subject.slice(spec.prefix.length + 1));
      } catch (reason) {
        log.error({ err: reason, subject: message.subject }, 'A message could not be handled');
      }
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe();
    },
  };
}
