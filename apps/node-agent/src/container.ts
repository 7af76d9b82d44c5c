import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type autoscaler, control, nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { recordSpan } from '@portico/telemetry';
import { createLogShipper, type LogShipper } from './adapters/log-shipper.ts';
import type { Lease } from './adapters/network.ts';
import { type OutputPipe, openOutputPipe } from './adapters/output-pipe.ts';
import { untilPortOpen } from './adapters/port-probe.ts';
import { shortOf } from './adapters/runc-driver.ts';
import { saveState } from './adapters/saved-state.ts';
import type { SavedContainer, Surroundings } from './container-options.ts';
import { exitReportOf } from './domain/exit-report.ts';
import { runSpecOf } from './domain/run-spec.ts';
import { type Door, openDoor } from './door/door.ts';
import { type RunnerEvent, serveRunnerEvents } from './door/runner-events.ts';

const { STARTING, READY, DRAINING, EXITED } = nodeAgent.ContainerState;
const { STDOUT, STDERR, SYSTEM } = nodeAgent.LogSource;

/** One container of this node, from its placement to its end. */
export interface OwnContainer {
  readonly containerId: string;
  readonly isDraining: boolean;
  readonly report: nodeAgent.Container;
  /** Takes no more work, lets what runs end, then ends; `isNow` kills. */
  drain(why: string, isNow: boolean): void;
  /** Resolves when it is gone and all of it is cleaned up. */
  readonly ended: Promise<void>;
  /** Leaves it running for the next process: closes what is ours only. */
  abandon(): Promise<void>;
}

/** How long a container may take after SIGTERM. */
const TERM_GRACE_MS = 30_000;
const FLUSH_MS = 2_000;

interface Inside {
  lease: Lease | undefined;
  door: Door | undefined;
  pipes: OutputPipe[];
  events: AsyncDisposable | undefined;
}

/** Everything that changes while a container lives. */
class Life {
  readonly inside: Inside = { lease: undefined, door: undefined, pipes: [], events: undefined };
  readonly logs: LogShipper;
  readonly dir: string;
  readonly stopped = new AbortController();
  readonly ready = Promise.withResolvers<void>();
  report: nodeAgent.Container;
  saved: SavedContainer;
  isDraining = false;
  wasKilledByUs = false;
  isStartupTimeout = false;
  failure: string | undefined;
  asksForInputs = false;
  served: Extract<RunnerEvent, { event: 'ready' }> | undefined;
  phases: { name: string; atMs: number }[] = [];
  private writing: Promise<unknown> = Promise.resolve();
  readonly around: Surroundings;

  constructor(around: Surroundings, report: nodeAgent.Container, saved: SavedContainer) {
    this.around = around;
    this.report = report;
    this.saved = saved;
    this.dir = join(around.containersDir, shortOf(report.containerId));
    this.logs = createLogShipper(around.logs, report, around.log);
    this.ready.promise.catch(() => undefined);
  }

  /** Says what has changed: to the bucket and to the state file, in order. */
  tell(changes: Partial<nodeAgent.Container>): Promise<unknown> {
    this.report = { ...this.report, ...changes };
    const { report } = this;
    const key = report.containerId;
    this.saved = {
      ...this.saved,
      report: Buffer.from(nodeAgent.Container.encode(report).finish()).toString('base64'),
      isDraining: this.isDraining,
    };
    this.writing = this.writing
      .then(() =>
        Promise.all([this.around.reports.put(key, report), saveState(this.dir, this.saved).catch(() => undefined)]),
      )
      .catch((error: unknown) =>
        this.around.log.error({ err: error, container: key }, 'A report could not be written'),
      );
    return this.writing;
  }

  span(name: string, startMs: number, endMs: number, error?: string): void {
    recordSpan(
      name,
      { startMs, endMs },
      {
        traceparent: this.report.traceparent,
        attributes: { 'container.id': this.report.containerId },
        ...(error ? { error } : {}),
      },
    );
  }
}

/** Starts the container that a placement asks for. */
export function startContainer(around: Surroundings, placement: autoscaler.Placement): OwnContainer {
  const pool = placement.pool ?? control.PoolSpec.create({});
  const report = nodeAgent.Container.create({
    containerId: placement.containerId,
    nodeId: placement.nodeId,
    poolId: pool.poolId,
    appId: pool.appId,
    functionId: pool.functionId,
    functionTag: pool.functionTag,
    state: STARTING,
    enqueuedAt: placement.enqueuedAt,
    startedAt: Date.now() / 1000,
    maxConcurrentInputs: pool.maxConcurrentInputs,
    traceparent: placement.traceparent,
  });
  const life = new Life(around, report, {
    report: '',
    networkName: '',
    address: '',
    memoryBytes: Number(
      pool.resources?.memoryMaxBytes || pool.resources?.memoryBytes || BigInt(around.defaultMemoryBytes),
    ),
    isRunner: pool.kind === control.ServingKind.RUNNER,
    isServer: pool.isServer,
    graceMs: pool.isServer ? pool.exitGracePeriodMs : pool.timeoutMs,
    port: pool.kind === control.ServingKind.PORT ? pool.port : 0,
    isDraining: false,
    startupTimeoutMs: pool.startupTimeoutMs || 300_000,
  });
  const ended = begin(life, placement)
    .then(() => watchToTheEnd(life))
    .catch((error: unknown) => failedToStart(life, error))
    .then(() => cleanUp(life));
  return ownContainerOf(life, ended);
}

/** Takes over a container that a process before us started. */
export function adoptContainer(around: Surroundings, saved: SavedContainer): OwnContainer {
  const report = nodeAgent.Container.decode(Buffer.from(saved.report, 'base64'));
  const life = new Life(around, report, saved);
  life.isDraining = saved.isDraining;
  const take = async (): Promise<void> => {
    life.inside.lease = around.network.adopt(saved.networkName);
    await openAround(life, false);
    if (report.wasReady) life.ready.resolve();
    if (saved.isDraining) life.inside.door?.drain();
    void becomeReady(life);
  };
  const ended = take()
    .then(() => watchToTheEnd(life))
    .catch((error: unknown) => failedToStart(life, error))
    .then(() => cleanUp(life));
  return ownContainerOf(life, ended);
}

function ownContainerOf(life: Life, ended: Promise<void>): OwnContainer {
  return {
    containerId: life.report.containerId,
    get isDraining() {
      return life.isDraining;
    },
    get report() {
      return life.report;
    },
    drain: (why, isNow) => drain(life, why, isNow),
    ended,
    async abandon() {
      life.stopped.abort();
      await closeAround(life);
    },
  };
}

async function begin(life: Life, placement: autoscaler.Placement): Promise<void> {
  const { around } = life;
  const seenMs = Date.now();
  await mkdir(life.dir, { recursive: true, mode: 0o711 });
  void life.tell({});
  const spec = await around.specOf(placement);
  const [files, lease] = await Promise.all([
    around.fileSystemOf(spec.pool?.imageId ?? '', spec),
    around.network.acquire(spec.blockNetwork),
  ]);
  life.inside.lease = lease;
  life.saved = { ...life.saved, networkName: lease.name, address: lease.address };
  const [rootDir] = await Promise.all([
    around.rootFileSystems.mount(life.dir, files.layerDirectories, spec.mounts),
    writeFile(join(life.dir, 'arguments.bin'), spec.containerArguments),
    openAround(life, true),
  ]);
  const [stdout, stderr] = life.inside.pipes;
  if (!stdout || !stderr || !files.config)
    throw new Error('the container has no output pipes or no image configuration');
  const preparedMs = Date.now();
  life.span('node-agent.prepare', seenMs, preparedMs);
  await around.driver.start(
    runSpecOf({
      report: life.report,
      dir: life.dir,
      rootDir,
      lease,
      spec,
      image: files.config,
      memoryBytes: life.saved.memoryBytes,
      openFilesMax: around.openFilesMax,
      stdout: stdout.writer,
      stderr: stderr.writer,
    }),
  );
  for (const pipe of life.inside.pipes) pipe.closeWriter();
  life.phases.push({ name: 'created', atMs: preparedMs });
  void becomeReady(life);
  if (life.isDraining) await around.driver.signal(life.report.containerId, 'SIGKILL');
}

/** The door, the runner's events and the output pipes: what node-agent keeps open for a container. */
async function openAround(life: Life, isNew: boolean): Promise<void> {
  const { around, inside, dir } = life;
  const { containerId } = life.report;
  const [door, events, stdout, stderr] = await Promise.all([
    openDoor({
      containerId,
      dir,
      forward: around.forward,
      log: around.log,
      events: {
        onAsksForInputs() {
          life.asksForInputs = true;
          considerReady(life);
        },
        onServerReady() {
          life.asksForInputs = true;
          considerReady(life);
        },
        onResult(result) {
          if (result.status !== 1) life.failure = result.exception || result.traceback || 'The container failed.';
        },
        onAsksToStop: () => drain(life, 'the container asked to be replaced', false),
      },
    }),
    serveRunnerEvents(dir, (event) => onRunnerEvent(life, event)),
    openOutputPipe(dir, 'stdout', (text) => life.logs.add(text, STDOUT)),
    openOutputPipe(dir, 'stderr', (text) => life.logs.add(text, STDERR)),
  ]);
  Object.assign(inside, { door, events, pipes: [stdout, stderr] });
  if (!isNew) for (const pipe of inside.pipes) pipe.closeWriter();
}

function onRunnerEvent(life: Life, event: RunnerEvent): void {
  if (event.event === 'phase') life.phases.push({ name: event.name, atMs: event.at * 1000 });
  if (event.event === 'failed') life.failure ??= event.message;
  if (event.event === 'ready') {
    life.served = event;
    considerReady(life);
  }
}

/** Ready is: the start-up is over and, for web functions, it is known where they listen. */
function considerReady(life: Life): void {
  if (!life.asksForInputs || (life.saved.isRunner && !life.served)) return;
  life.ready.resolve();
}

async function becomeReady(life: Life): Promise<void> {
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
  sorted
    .slice(1)
    .forEach((phase, i) => life.span(`container.${phase.name}`, sorted[i]?.atMs ?? phase.atMs, phase.atMs));
}

function startupTimedOut(life: Life): void {
  life.isStartupTimeout = true;
  void life.around.driver.signal(life.report.containerId, 'SIGKILL');
}

function drain(life: Life, why: string, isNow: boolean): void {
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

async function watchToTheEnd(life: Life): Promise<void> {
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

/** The platform could not start it: said to the user in the log, to the operator with its cause. */
async function failedToStart(life: Life, error: unknown): Promise<void> {
  if (life.stopped.signal.aborted) return;
  const known = DomainError.from(error);
  life.around.log.error({ err: error, container: life.report.containerId }, 'A container could not be started');
  const text =
    error instanceof DomainError || !(error instanceof Error)
      ? known.message
      : `The platform could not start the container: ${error.message.slice(0, 500)}`;
  life.logs.add(`${text}\n`, SYSTEM);
  await life.tell({
    state: EXITED,
    exitReason: nodeAgent.ExitReason.PLATFORM,
    exitCode: -1,
    message: text,
    finishedAt: Date.now() / 1000,
  });
}

async function cleanUp(life: Life): Promise<void> {
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

async function closeAround({ inside }: Life): Promise<void> {
  for (const pipe of inside.pipes) pipe.close();
  await inside.door?.[Symbol.asyncDispose]();
  await inside.events?.[Symbol.asyncDispose]();
}
