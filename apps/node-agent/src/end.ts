import { rm } from 'node:fs/promises';
import { nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { exitReportOf } from './domain/exit-report.ts';
import type { Life } from './life.ts';

const { DRAINING, EXITED } = nodeAgent.ContainerState;
const { SYSTEM } = nodeAgent.LogSource;

/** How long a container may take after SIGTERM. */
const TERM_GRACE_MS = 30_000;
const FLUSH_MS = 2_000;

/** Takes no more work, lets what runs end, then ends it; `isNow` kills. */
export function drain(life: Life, why: string, isNow: boolean): void {
  const { around, report } = life;
  if (!life.isDraining) {
    life.isDraining = true;
    around.log.info({ container: report.containerId, why }, 'draining a container');
    if (report.state !== EXITED) void life.tell({ state: DRAINING });
    life.inside.door?.drain();
    if (life.saved.isServer || !report.wasReady)
      void around.driver.signal(report.containerId, report.wasReady ? 'SIGTERM' : 'SIGKILL');
    const toTerm = setTimeout(() => void around.driver.signal(report.containerId, 'SIGTERM'), life.saved.graceMs);
    const toKill = setTimeout(() => kill(life), life.saved.graceMs + TERM_GRACE_MS);
    life.stopped.signal.addEventListener('abort', () => [toTerm, toKill].forEach(clearTimeout), { once: true });
  }
  if (isNow) kill(life);
}

function kill(life: Life): void {
  life.wasKilledByUs = true;
  void life.around.driver.signal(life.report.containerId, 'SIGKILL');
}

/** Resolves when the container has ended and its end is reported. */
export async function watchToTheEnd(life: Life): Promise<void> {
  const exit = await life.around.driver.wait(life.report.containerId, life.stopped.signal);
  const { reason, message } = exitReportOf({
    exit,
    wasReady: life.report.wasReady,
    isDraining: life.isDraining,
    wasKilledByUs: life.wasKilledByUs,
    isStartupTimeout: life.isStartupTimeout,
    failure: life.failure,
    memoryLimitBytes: life.saved.memoryBytes,
    startupTimeoutMs: life.saved.startupTimeoutMs,
  });
  if (message && life.failure === undefined) life.logs.add(`${message}\n`, SYSTEM);
  life.around.metrics.ended(reason);
  await life.tell({
    state: EXITED,
    exitReason: reason,
    exitCode: exit.exitCode,
    message,
    finishedAt: Date.now() / 1000,
  });
  life.around.log.info(
    { container: life.report.containerId, exitCode: exit.exitCode, message },
    'a container has ended',
  );
}

/** A container that nobody saw end, as after a restart of the machine. */
export class LostContainer extends Error {
  constructor(containerId: string) {
    super(`The container ${containerId} is gone: the node was restarted.`);
  }
}

/** The platform could not start it: said to the user in the log, to the operator with its cause. */
export async function failedToStart(life: Life, error: unknown): Promise<void> {
  if (life.stopped.signal.aborted) return;
  life.around.log.error({ err: error, container: life.report.containerId }, 'A container could not be started');
  const text =
    error instanceof DomainError || error instanceof LostContainer
      ? error.message
      : `The platform could not start the container: ${String(error instanceof Error ? error.message : error).slice(0, 500)}`;
  life.logs.add(`${text}\n`, SYSTEM);
  await life.tell({
    state: EXITED,
    exitReason: error instanceof LostContainer ? nodeAgent.ExitReason.NODE_LOST : nodeAgent.ExitReason.PLATFORM,
    exitCode: -1,
    message: text,
    finishedAt: Date.now() / 1000,
  });
}

/** Takes away what was made for the container. */
export async function cleanUp(life: Life): Promise<void> {
  if (life.stopped.signal.aborted) return;
  const { around, report } = life;
  await around.driver.destroy(report.containerId);
  await life.logs.flush(FLUSH_MS);
  life.stopped.abort();
  await closeAround(life);
  await around.rootFileSystems.unmount(life.dir);
  if (life.inside.lease) await around.network.release(life.inside.lease);
  await rm(life.dir, { recursive: true, force: true });
}

/** Closes what is ours; the container does not notice. */
export async function closeAround({ inside }: Life): Promise<void> {
  for (const pipe of inside.pipes) pipe.close();
  await inside.door?.[Symbol.asyncDispose]();
  await inside.events?.[Symbol.asyncDispose]();
}
