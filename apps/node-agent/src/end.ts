import { rm } from 'node:fs/promises';
import { nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { exitReportOf } from './domain/exit-report.ts';
import type { Life } from './life.ts';

const { DRAINING, EXITED } = nodeAgent.ContainerState;
const { SYSTEM } = nodeAgent.LogSource;

/** The runner ends its drain itself, within the grace; so much later it is told to. */
const RUNNER_MARGIN_MS = 2_000;
/** A server is told to end once the router has noticed. */
const SERVER_LINGER_MS = 500;
const FLUSH_MS = 2_000;
const OUTPUT_MS = 1_000;
/** What was made for it is taken away also while its report can not be stored. */
const REPORT_MS = 2_000;
/** Longer timers end at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Takes no more work, lets what runs end, then ends it; `isNow` kills. */
export function drain(life: Life, why: string, isNow: boolean): void {
  if (!life.isDraining && life.report.state !== EXITED) {
    life.around.log.info({ container: life.report.containerId, why }, 'draining a container');
    life.saved = { ...life.saved, drainingSinceMs: Date.now() };
    void life.tell({ state: DRAINING });
    endInTime(life);
  }
  if (isNow) kill(life);
}

/** What a drain does inside; also after a restart of this process, when a part of the grace is over. */
export function endInTime(life: Life): void {
  const { saved, report, around } = life;
  life.inside.door?.drain();
  if (!report.wasReady) {
    void around.driver.signal(report.containerId, 'SIGKILL');
    return;
  }
  const graceMs = saved.isServer
    ? Math.max(SERVER_LINGER_MS, saved.graceMs)
    : Math.max(0, saved.graceMs) + RUNNER_MARGIN_MS;
  const termAtMs = saved.drainingSinceMs + graceMs;
  const at = (timeMs: number, act: () => void): NodeJS.Timeout =>
    setTimeout(act, Math.min(TIMER_MAX_MS, Math.max(0, timeMs - Date.now())));
  const timers = [
    at(termAtMs, () => void around.driver.signal(report.containerId, 'SIGTERM')),
    at(termAtMs + around.termGraceMs, () => kill(life)),
  ];
  life.stopped.signal.addEventListener('abort', () => timers.forEach(clearTimeout), { once: true });
}

function kill(life: Life): void {
  life.wasKilledByUs = true;
  void life.around.driver.signal(life.report.containerId, 'SIGKILL');
}

/** Resolves when the container has ended and its end is reported. */
export async function watchToTheEnd(life: Life): Promise<void> {
  const exit = await life.around.driver.wait(life.report.containerId, life.stopped.signal);
  await within(OUTPUT_MS, Promise.all(life.inside.pipes.map((pipe) => pipe.ended)));
  const { reason, message } = exitReportOf({
    exit,
    wasReady: life.report.wasReady,
    isDraining: life.isDraining,
    wasKilledByUs: life.wasKilledByUs,
    isStartupTimeout: life.isStartupTimeout,
    unreachable: life.unreachable,
    failure: life.failure,
    memoryLimitBytes: life.saved.memoryBytes,
    startupTimeoutMs: life.saved.startupTimeoutMs,
  });
  if (message && life.failure === undefined) life.logs.add(`${message}\n`, SYSTEM);
  life.around.metrics.ended(reason);
  await tellEnd(life, reason, exit.exitCode, message);
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

/** Its end was asked for before it was started. */
export class NotWantedAnyMore extends Error {}

/** The platform could not start it: said to the user in the log, to the operator with its cause. */
export async function failedToStart(life: Life, error: unknown): Promise<void> {
  if (life.stopped.signal.aborted) return;
  if (error instanceof NotWantedAnyMore) return void (await tellEnd(life, nodeAgent.ExitReason.STOPPED, 0, ''));
  life.around.log.error({ err: error, container: life.report.containerId }, 'A container could not be started');
  const text =
    error instanceof DomainError || error instanceof LostContainer
      ? error.message
      : `The platform could not start the container: ${String(error instanceof Error ? error.message : error).slice(0, 500)}`;
  life.logs.add(`${text}\n`, SYSTEM);
  const { NODE_LOST, PLATFORM } = nodeAgent.ExitReason;
  await tellEnd(life, error instanceof LostContainer ? NODE_LOST : PLATFORM, -1, text);
}

async function tellEnd(life: Life, exitReason: nodeAgent.ExitReason, exitCode: number, message: string): Promise<void> {
  const report = { state: EXITED, exitReason, exitCode, message, finishedAt: Date.now() / 1000 };
  await within(REPORT_MS, life.tell(report));
}

function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  const time = Promise.withResolvers<void>();
  const timer = setTimeout(time.resolve, ms);
  return Promise.race([work, time.promise]).finally(() => clearTimeout(timer));
}

/** Takes away what was made for the container. What can't be taken away is told to the operator. */
export async function cleanUp(life: Life): Promise<void> {
  if (life.stopped.signal.aborted) return;
  await takeAway(life).catch((error: unknown) =>
    life.around.log.error({ err: error, container: life.report.containerId }, 'Not all of a container is gone'),
  );
}

async function takeAway(life: Life): Promise<void> {
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
