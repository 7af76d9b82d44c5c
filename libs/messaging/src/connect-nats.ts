import { readFile } from 'node:fs/promises';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '@portico/telemetry';

export interface NatsOptions {
  readonly url: string;
  readonly user: string;
  readonly passwordFile: string;
}

/** A connection to NATS that comes back by itself for as long as the service lives. */
export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly kvm: Kvm;
  /** When the present connection began, in milliseconds since the epoch; undefined while NATS is away. */
  reachableSinceMs(): number | undefined;
}

/**
 * Connects, waiting without end for a server that is not up yet: start order never matters.
 * Inboxes are private to the user, as the server's permissions demand.
 */
export async function connectNats(options: NatsOptions, log: Logger): Promise<Nats> {
  const connection = await connect({
    servers: options.url,
    user: options.user,
    pass: (await readFile(options.passwordFile, 'utf8')).trim(),
    name: options.user,
    inboxPrefix: `_INBOX_${options.user}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    pingInterval: 5_000,
  });
  let sinceMs: number | undefined = Date.now();
  void followStatus(connection, log, (isReachable) => {
    sinceMs = isReachable ? Date.now() : undefined;
  });
  const client = jetstream(connection, { timeout: 5_000 });
  const manager = await untilAnswered(() => jetstreamManager(connection, { timeout: 5_000 }), log);
  return {
    connection,
    jetstream: client,
    manager,
    kvm: new Kvm(client),
    reachableSinceMs: () => sinceMs,
    [Symbol.asyncDispose]: () => connection.drain().catch(() => connection.close()),
  };
}

/** JetStream answers a moment after the server listens; until then it is asked again. */
async function untilAnswered<T>(ask: () => Promise<T>, log: Logger): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      log.warn({ err: error }, 'JetStream does not answer yet; asking again');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function followStatus(
  connection: NatsConnection,
  log: Logger,
  onReachable: (isReachable: boolean) => void,
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'reconnect') onReachable(status.type === 'reconnect');
    if (status.type === 'disconnect') log.warn('NATS is away; going on with what is known');
    if (status.type === 'reconnect') log.info('NATS is back');
    if (status.type === 'error') log.warn({ err: status.error }, 'NATS reports an error');
  }
}
