import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeAgent } from '@portico/contracts';
import { untilPortOpen } from './adapters/port-probe.ts';
import { whyUnreachable } from './domain/silent-port.ts';
import type { RunnerEvent, RunnerReady } from './door/runner-events.ts';
import type { Life } from './life.ts';

const { STARTING, READY } = nodeAgent.ContainerState;

/** More are no phases of a start but a program that talks without end. */
const PHASES_MAX = 32;
/** Sockets in the folder that are not the runner's. */
const OWN_SOCKETS = new Set(['door.sock', 'events.sock']);

/** Notes what the runner says of its start. */
export function onRunnerEvent(life: Life, event: RunnerEvent): void {
  if (life.report.wasReady) return;
  if (event.event === 'phase' && life.phases.length < PHASES_MAX)
    life.phases.push({ name: event.name, atMs: event.at * 1000 });
  if (event.event === 'failed') life.failure ??= event.message;
  if (event.event === 'ready') {
    void life.save({ served: event });
    considerReady(life);
  }
}

/** It asks for inputs, or its enter hooks have run. */
export function onStarted(life: Life): void {
  if (!life.saved.hasStarted) void life.save({ hasStarted: true });
  considerReady(life);
  if (life.isAdopted) void findServed(life).catch(() => undefined);
}

/** Ready is: the start-up is over and, for web functions, it is known where they listen. */
function considerReady(life: Life): void {
  if (!life.saved.hasStarted || (life.saved.isRunner && !life.saved.served)) return;
  life.ready.resolve();
}

/** What the runner told while nobody listened can be seen: its sockets are there once it asks for inputs. */
async function findServed(life: Life): Promise<void> {
  if (life.saved.served || !life.saved.isRunner || life.report.wasReady) return;
  const names = (await readdir(life.runDir)).filter((name) => name.endsWith('.sock') && !OWN_SOCKETS.has(name));
  const { port } = life.saved;
  if (names.length === 0 && port === 0) return;
  const sockets = Object.fromEntries(names.map((name) => [name.slice(0, -'.sock'.length), name]));
  onRunnerEvent(life, { event: 'ready', at: Date.now() / 1000, sockets, ports: port > 0 ? { web: port } : {} });
}

/** Reports the container as ready when it is, or kills it when it takes too long. */
export async function becomeReady(life: Life): Promise<void> {
  if (life.report.state !== STARTING) return;
  const timer = setTimeout(
    () => void startupTimedOut(life),
    Math.max(0, life.report.startedAt * 1000 + life.saved.startupTimeoutMs - Date.now()),
  );
  considerReady(life);
  try {
    await Promise.race([life.ready.promise, aborted(life.stopped.signal)]);
    const addresses = addressesOf(life);
    await Promise.all(addresses.map((address) => untilReached(address, life.stopped.signal)));
    if (life.stopped.signal.aborted || life.isDraining) return;
    tellPhases(life);
    life.around.metrics.started(Date.now() / 1000 - life.report.startedAt);
    await life.tell({ state: READY, readyAt: Date.now() / 1000, wasReady: true, addresses });
  } catch {
    // It ended or is being left before it was ready: the end tells why.
  } finally {
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Error('stopped'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function addressesOf({ saved, runDir }: Life): nodeAgent.Address[] {
  const tcp = (methodName: string, port: number): nodeAgent.Address => ({
    methodName,
    endpoint: { $case: 'tcp', value: `${saved.address}:${port}` },
  });
  if (saved.isServer) return [tcp('', saved.port)];
  const { sockets, ports }: Pick<RunnerReady, 'sockets' | 'ports'> = saved.served ?? { sockets: {}, ports: {} };
  return [
    ...Object.entries(sockets).map(
      ([name, file]): nodeAgent.Address => ({
        methodName: methodOf(name),
        endpoint: { $case: 'unixPath', value: join(runDir, file) },
      }),
    ),
    ...Object.entries(ports).map(([name, port]) => tcp(methodOf(name), port)),
  ];
}

/** A function that is no method has no name. */
function methodOf(name: string): string {
  return name === 'web' ? '' : name;
}

async function untilReached({ endpoint }: nodeAgent.Address, signal: AbortSignal): Promise<void> {
  if (endpoint?.$case !== 'tcp') return;
  const [host = '', port] = endpoint.value.split(':');
  await untilPortOpen(host, Number(port), signal);
}

/** The parts of the start as spans: each from the end of the one before. */
function tellPhases(life: Life): void {
  const sorted = [...life.phases, { name: 'ready', atMs: Date.now() }].sort((a, b) => a.atMs - b.atMs);
  for (const [i, phase] of sorted.slice(1).entries())
    life.span(`container.${phase.name}`, sorted[i]?.atMs ?? phase.atMs, phase.atMs);
}

async function startupTimedOut(life: Life): Promise<void> {
  const { driver } = life.around;
  const { containerId } = life.report;
  life.isStartupTimeout = true;
  if (life.saved.isServer) {
    const pid = (await driver.stats(containerId).catch(() => undefined))?.processId ?? 0;
    if (pid > 0) life.unreachable = whyUnreachable(await socketsOf(pid), life.saved.port, life.saved.startupTimeoutMs);
  }
  await driver.signal(containerId, 'SIGKILL');
}

/** The kernel's tables of what is in the network namespace of a process. */
async function socketsOf(pid: number): Promise<string> {
  const tables = ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => ''));
  return (await Promise.all(tables)).join('\n');
}
