import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type autoscaler, control, nodeAgent } from '@portico/contracts';
import { withSpan } from '@portico/telemetry';
import { openOutputPipe } from './adapters/output-pipe.ts';
import { mountRunFolder } from './adapters/run-folder.ts';
import type { SavedContainer, Surroundings } from './container-options.ts';
import type { RunSpec } from './domain/driver.ts';
import { runSpecOf } from './domain/run-spec.ts';
import { openDoor } from './door/door.ts';
import { serveRunnerEvents } from './door/runner-events.ts';
import {
  cleanUp,
  closeAround,
  drain,
  endInTime,
  failedToStart,
  LostContainer,
  NotWantedAnyMore,
  watchToTheEnd,
} from './end.ts';
import { Life } from './life.ts';
import { becomeReady, onRunnerEvent, onStarted } from './ready.ts';

const { STARTING } = nodeAgent.ContainerState;
const { STDOUT, STDERR } = nodeAgent.LogSource;

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
    isRunner: pool.kind !== control.ServingKind.CALLS && !pool.isServer,
    isServer: pool.isServer,
    graceMs: pool.isServer ? pool.exitGracePeriodMs : pool.timeoutMs,
    port: pool.kind === control.ServingKind.PORT ? pool.port : 0,
    hasStarted: false,
    served: null,
    drainingSinceMs: 0,
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
  life.isAdopted = true;
  const take = async (): Promise<void> => {
    life.inside.lease = around.network.adopt(saved.networkName);
    if (!(await around.driver.isKnown(report.containerId))) throw new LostContainer(report.containerId);
    await openAround(life, false);
    if (report.wasReady) life.ready.resolve();
    if (life.isDraining) endInTime(life);
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
  const { around, report } = life;
  await mkdir(life.dir, { recursive: true, mode: 0o711 });
  void life.tell({});
  const attributes = { 'container.id': report.containerId };
  const run = await withSpan('node-agent.prepare', { traceparent: report.traceparent, attributes }, () =>
    prepare(life, placement),
  );
  if (life.isDraining || life.stopped.signal.aborted) throw new NotWantedAnyMore();
  const preparedMs = Date.now();
  await around.driver.start(run);
  for (const pipe of life.inside.pipes) pipe.closeWriter();
  life.phases.push({ name: 'created', atMs: preparedMs });
  void becomeReady(life);
  if (life.isDraining) await around.driver.signal(report.containerId, 'SIGKILL');
}

/** Everything that must be there before the container's first process. */
async function prepare(life: Life, placement: autoscaler.Placement): Promise<RunSpec> {
  const { around } = life;
  const [spec] = await Promise.all([around.specOf(placement), mountRunFolder(life.dir)]);
  const [files, lease] = await Promise.all([
    around.fileSystemOf(spec.pool?.imageId ?? '', spec),
    around.network.acquire(spec.blockNetwork),
  ]);
  life.inside.lease = lease;
  // From here on a later process can take it over; one that runs its own program tells nothing of its start.
  await life.save({ networkName: lease.name, address: lease.address, hasStarted: spec.plainImage });
  const [rootDir] = await Promise.all([
    around.rootFileSystems.mount(life.dir, files.layerDirectories, spec.mounts),
    writeFile(join(life.runDir, 'arguments.bin'), spec.containerArguments),
    openAround(life, true),
  ]);
  const [stdout, stderr] = life.inside.pipes;
  if (!stdout || !stderr || !files.config)
    throw new Error('the container has no output pipes or no image configuration');
  return runSpecOf({
    report: life.report,
    dir: life.dir,
    runDir: life.runDir,
    rootDir,
    lease,
    spec,
    image: files.config,
    memoryBytes: life.saved.memoryBytes,
    graceMs: life.saved.graceMs,
    openFilesMax: around.openFilesMax,
    stdout: stdout.writer,
    stderr: stderr.writer,
  });
}

/** The door, the runner's events and the output pipes: what node-agent keeps open for a container. */
async function openAround(life: Life, isNew: boolean): Promise<void> {
  const { around, inside, dir, runDir } = life;
  const { containerId } = life.report;
  const [door, events, stdout, stderr] = await Promise.all([
    openDoor({
      containerId,
      dir: runDir,
      forward: around.forward,
      log: around.log,
      events: {
        onAsksForInputs: () => onStarted(life),
        onServerReady: () => onStarted(life),
        onResult(result) {
          if (result.status !== 1) life.failure = result.exception || result.traceback || 'The container failed.';
        },
        onAsksToStop: () => drain(life, 'the container asked to be replaced', false),
      },
    }),
    serveRunnerEvents(runDir, (event) => onRunnerEvent(life, event)),
    openOutputPipe(dir, 'stdout', (text) => life.logs.add(text, STDOUT)),
    openOutputPipe(dir, 'stderr', (text) => life.logs.add(text, STDERR)),
  ]);
  Object.assign(inside, { door, events, pipes: [stdout, stderr] });
  if (!isNew) for (const pipe of inside.pipes) pipe.closeWriter();
}
