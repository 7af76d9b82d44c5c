import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 * When `start` has come back it writes `{"event":"ready"}` to its log and its process id to
 * `readyFileOf`. The process ends because nothing keeps it alive any more; the timer is for a
 * resource that hangs. What is told to stop while it still starts has nothing to finish and ends at once.
 */
export async function runService<C extends CommonConfig>(
  service: string,
  read: () => C,
  start: (config: C, context: ServiceContext) => Promise<unknown>,
): Promise<void> {
  const config = readOrExit(service, read);
  const log = createLogger(service, config.logLevel);
  const stopping = new AbortController();
  let isReady = false;
  const stop = (): void => (isReady ? stopping.abort() : process.exit(0));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await using opened = new AsyncDisposableStack();
    opened.use(await startTelemetry(service, config.otlpEndpoint));
    await start(config, { opened, log, stopping: stopping.signal });
    isReady = true;
    dropStartGarbage();
    opened.use(await announceReady(config.home, service));
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

/**
 * What a start leaves behind would stay for hours in a service that has little to do: V8 only collects when
 * something is allocated. Available where the process was started with `--expose-gc`, as `./portico up` does.
 */
function dropStartGarbage(): void {
  globalThis.gc?.();
}

/** Holds the process id of a service for as long as it is ready. */
export function readyFileOf(home: string, service: string): string {
  return join(home, 'run', `${service}.ready`);
}

async function announceReady(home: string, service: string): Promise<AsyncDisposable> {
  const path = readyFileOf(home, service);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, `${process.pid}\n`);
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
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
