import { once } from 'node:events';
import process from 'node:process';
import { createLogger, type Logger, startTelemetry } from '@portico/telemetry';
import type { CommonConfig } from './common-config.ts';
import { ConfigError } from './env.ts';

/** What a service gets to work with: opened things go into `opened` and close in reverse order. */
export interface ServiceContext {
  readonly opened: AsyncDisposableStack;
  readonly log: Logger;
  /** Aborted when the service should stop. */
  readonly stopping: AbortSignal;
}

/**
 * Runs a service until SIGINT or SIGTERM, then closes what it opened, last first.
 *
 * Writes `{"event":"ready"}` to its log when `start` has come back. The process ends because
 * nothing keeps it alive any more; the timer is for a resource that hangs.
 */
export async function runService<C extends CommonConfig>(
  service: string,
  read: () => C,
  start: (config: C, context: ServiceContext) => Promise<unknown>,
): Promise<void> {
  const config = readOrExit(service, read);
  const log = createLogger(service, config.logLevel);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await using opened = new AsyncDisposableStack();
    opened.use(startTelemetry(service, config.otlpEndpoint));
    await start(config, { opened, log, stopping: stopping.signal });
    log.info({ event: 'ready', pid: process.pid }, `${service} is ready`);
    if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
    log.info({ event: 'stopping' }, `${service} stops`);
    setTimeout(() => process.exit(1), config.graceMs).unref();
  } catch (error) {
    log.fatal({ err: error }, `${service} failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 1_000).unref();
  }
}

function readOrExit<C>(service: string, read: () => C): C {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`${service}: ${problem}\n`);
    process.exit(1);
  }
}
