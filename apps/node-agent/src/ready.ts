import { join } from 'node:path';
import { nodeAgent } from '@portico/contracts';
import { untilPortOpen } from './adapters/port-probe.ts';
import type { RunnerEvent } from './door/runner-events.ts';
import type { Life } from './life.ts';

const { STARTING, READY } = nodeAgent.ContainerState;

/** Notes what the runner says of its start. */
export function onRunnerEvent(life: Life, event: RunnerEvent): void {
  if (event.event === 'phase') life.phases.push({ name: event.name, atMs: event.at * 1000 });
  if (event.event === 'failed') life.failure ??= event.message;
  if (event.event === 'ready') {
    life.served = event;
    considerReady(life);
  }
}

/** Ready is: the start-up is over and, for web functions, it is known where they listen. */
export function considerReady(life: Life): void {
  if (!life.asksForInputs || (life.saved.isRunner && !life.served)) return;
  life.ready.resolve();
}

/** Reports the container as ready when it is, or kills it when it takes too long. */
export async function becomeReady(life: Life): Promise<void> {
  if (life.report.state !== STARTING) return;
  const timer = setTimeout(
    () => startupTimedOut(life),
    Math.max(0, life.report.startedAt * 1000 + life.saved.startupTimeoutMs - Date.now()),
  );
  try {
    await Promise.race([life.ready.promise, aborted(life.stopped.signal)]);
    if (life.saved.port > 0) await untilPortOpen(life.saved.address, life.saved.port, life.stopped.signal);
    if (life.stopped.signal.aborted || life.isDraining) return;
    tellPhases(life);
    life.around.metrics.started(Date.now() / 1000 - life.report.startedAt);
    await life.tell({ state: READY, readyAt: Date.now() / 1000, wasReady: true, addresses: addressesOf(life) });
  } catch {
    // It ended or is being left before it was ready: the end tells why.
  } finally {
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
  );
}

function addressesOf({ saved, served, dir }: Life): nodeAgent.Address[] {
  if (saved.port > 0) return [{ methodName: '', endpoint: { $case: 'tcp', value: `${saved.address}:${saved.port}` } }];
  return Object.entries(served?.sockets ?? {}).map(([name, file]) => ({
    methodName: name === 'web' ? '' : name,
    endpoint: { $case: 'unixPath', value: join(dir, file) },
  }));
}

/** The parts of the start as spans: each from the end of the one before. */
function tellPhases(life: Life): void {
  const sorted = [...life.phases, { name: 'ready', atMs: Date.now() }].sort((a, b) => a.atMs - b.atMs);
  for (const [i, phase] of sorted.slice(1).entries())
    life.span(`container.${phase.name}`, sorted[i]?.atMs ?? phase.atMs, phase.atMs);
}

function startupTimedOut(life: Life): void {
  life.isStartupTimeout = true;
  void life.around.driver.signal(life.report.containerId, 'SIGKILL');
}
