import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autoscaler, buckets, control, imageBuilder, nodeAgent, streams } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { connectGrpc, type GrpcClient, serveAll, serveGrpc } from '@portico/grpc';
import { newContainerId } from '@portico/ids';
import { type Bucket, connectNats, type EventStream, openBucket, openStream } from '@portico/messaging';
import { eventually, natsServer, silentLog, type TestNats } from '@portico/testing';
import { removeInstance } from '../src/adapters/remove-instance.ts';
import { shortOf } from '../src/adapters/runc-driver.ts';
import { type Config, instanceOf } from '../src/config.ts';
import { startNodeAgent } from '../src/node-agent.ts';
import { tinyImage } from './tiny-root.ts';

/** A machine with real containers; NATS is real, control and image-builder are scripted. */
export interface Machine extends AsyncDisposable {
  readonly home: string;
  readonly instance: string;
  readonly nats: TestNats;
  readonly placements: Bucket<autoscaler.Placement>;
  readonly reports: Bucket<nodeAgent.Container>;
  readonly client: GrpcClient<typeof nodeAgent.NodeAgentServiceService>;
  /** Starts node-agent here; disposing stops it as SIGTERM would. */
  agent(): Promise<AsyncDisposable>;
  /** Starts node-agent as a process of its own, so that it can be killed. */
  agentProcess(): Promise<AgentProcess>;
  /** Places a container that runs a shell program; answers its id. */
  place(program: string, options?: Placing): Promise<string>;
  desire(containerId: string, changes: Partial<autoscaler.Placement>): Promise<void>;
  /** What is said of a container once a condition holds. */
  reported(
    containerId: string,
    condition: string,
    holds: (report: nodeAgent.Container) => boolean,
  ): Promise<nodeAgent.Container>;
  /** What is stored of its output, by source. */
  printed(containerId: string, source?: nodeAgent.LogSource): Promise<string>;
  /** Writes a file where the container sees it. */
  tell(containerId: string, name: string, content?: string): Promise<void>;
  /** Nothing of it is on the machine any more. */
  isGone(containerId: string): boolean;
  /** Its program has ended, whether node-agent has noticed or not. */
  hasExited(containerId: string): boolean;
  /** What is written down for a later process. */
  stateOf(containerId: string): Promise<string>;
  /** Its folder on the machine. */
  folderOf(containerId: string): string;
}

export interface AgentProcess {
  kill(): Promise<void>;
}

export interface Placing {
  readonly pool?: Partial<control.PoolSpec>;
  readonly spec?: Partial<control.ContainerSpec>;
  /** Answered instead of the image's file system. */
  readonly imageFails?: string;
}

const { RUNNER } = control.ServingKind;

export async function machine(settings: Partial<Config> = {}): Promise<Machine> {
  const opened = new AsyncDisposableStack();
  const nats = opened.use(await natsServer());
  const home = await mkdtemp(join(tmpdir(), 'na-'));
  opened.defer(() => takeAway(home));
  await mkdir(join(home, 'run'));
  const image = tinyImage();
  const places = new Map<string, Placing & { readonly program: string }>();
  await serveNeighbours(opened, home, image, places);
  const state = await openState(opened, nats);
  const config = { ...configOf(home, nats), ...settings };
  const agents = opened.use(new AsyncDisposableStack());
  return {
    home,
    instance: instanceOf(home),
    nats,
    placements: state.placements,
    reports: state.reports,
    client: opened.use(connectGrpc(nodeAgent.NodeAgentServiceService, `unix://${home}/run/node-agent.sock`)),
    async agent() {
      const stack = agents.use(new AsyncDisposableStack());
      await startNodeAgent(config, { opened: stack, log: silentLog, stopping: new AbortController().signal });
      return stack;
    },
    agentProcess: () => startProcess(agents, config),
    place: (program, placing = {}) => place(state.placements, places, home, { program, ...placing }),
    desire: (containerId, changes) => desire(state.placements, containerId, changes),
    reported: (containerId, condition, holds) =>
      eventually(`${containerId}: ${condition}`, async () => {
        const report = (await state.reports.get(containerId))?.value;
        return report && holds(report) ? report : undefined;
      }),
    printed: (containerId, source) => printed(state.logs, containerId, source),
    isGone: (containerId) => !existsSync(join(home, 'c', shortOf(containerId))),
    hasExited: (containerId) => existsSync(join(home, 'c', shortOf(containerId), 'exit')),
    stateOf: (containerId) => readFile(join(home, 'c', shortOf(containerId), 'state.json'), 'utf8'),
    folderOf: (containerId) => join(home, 'c', shortOf(containerId)),
    tell: (containerId, name, content = '') => writeFile(join(home, 'c', shortOf(containerId), 'r', name), content),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function configOf(home: string, nats: TestNats): Config {
  return {
    home,
    nats: nats.optionsOf('node-agent'),
    workspace: 'local',
    logLevel: 'silent',
    otlpEndpoint: undefined,
    graceMs: 1_000,
    instance: instanceOf(home),
    containersDir: join(home, 'c'),
    // Of its own, since tests run at once.
    subnet: `10.222.${process.pid % 256}`,
    defaultMemoryBytes: 0,
    hostName: 'test',
    termGraceMs: 30_000,
  };
}

async function openState(opened: AsyncDisposableStack, nats: TestNats) {
  const ofScaler = opened.use(await connectNats(nats.optionsOf('autoscaler'), silentLog));
  const ofControl = opened.use(await connectNats(nats.optionsOf('control'), silentLog));
  const ofAgent = opened.use(await connectNats(nats.optionsOf('node-agent'), silentLog));
  const placements = await openBucket(ofScaler, buckets.placements, true);
  const reports = await openBucket(ofAgent, buckets.containers, true);
  await openStream(ofAgent, streams.logs, true);
  return { placements, reports, logs: await openStream(ofControl, streams.logs, false) };
}

/** control and image-builder, as far as node-agent asks them. */
async function serveNeighbours(
  opened: AsyncDisposableStack,
  home: string,
  image: string,
  places: ReadonlyMap<string, Placing & { readonly program: string }>,
): Promise<void> {
  const specs = serveAll(control.ContainerSpecServiceService, {
    getContainerSpec({ containerId }) {
      const { program = '', pool, spec } = places.get(containerId) ?? {};
      return {
        spec: control.ContainerSpec.create({
          containerArguments: Buffer.from('arguments'),
          ...spec,
          environment: new Map([['PROGRAM', program], ...(spec?.environment ?? [])]),
          pool: control.PoolSpec.create({ ...pool, imageId: containerId }),
        }),
      };
    },
  });
  const images = { ...imageBuilder.ImageServiceService };
  const refuse = (): never => {
    throw new DomainError('unimplemented', 'rpc.unimplemented', 'not asked in this test');
  };
  const builder = serveAll(images, {
    ensureImage: refuse,
    watchBuild: refuse,
    cancelBuild: refuse,
    getImage: refuse,
    prepareFileSystem({ imageId }) {
      const failure = places.get(imageId)?.imageFails;
      if (failure) throw new DomainError('failed-precondition', 'image.not_built', failure);
      const config = { ...emptyImage, entrypoint: ['/bin/sh', '-c', 'eval "$PROGRAM"'] };
      return imageBuilder.PrepareFileSystemResponse.create({ layerDirectories: [image], config });
    },
  });
  opened.use(await serveGrpc({ address: `unix://${home}/run/control.sock`, apis: [specs], log: silentLog }));
  opened.use(await serveGrpc({ address: `unix://${home}/run/image-builder.sock`, apis: [builder], log: silentLog }));
}

const emptyImage = imageBuilder.ImageConfig.create({ environment: new Map([['LANG', 'C']]) });

async function place(
  placements: Bucket<autoscaler.Placement>,
  places: Map<string, Placing & { readonly program: string }>,
  home: string,
  placing: Placing & { readonly program: string },
): Promise<string> {
  const containerId = newContainerId(Date.now());
  places.set(containerId, placing);
  const nodeId = await nodeIdOf(home);
  const pool = control.PoolSpec.create({
    poolId: 'po-1',
    appId: 'ap-1',
    functionId: 'fu-1',
    kind: RUNNER,
    timeoutMs: 10_000,
    startupTimeoutMs: 20_000,
    ...placing.pool,
  });
  const placement = autoscaler.Placement.create({ containerId, nodeId, pool, desired: autoscaler.Desired.RUN });
  await placements.put(`${nodeId}.${containerId}`, placement);
  return containerId;
}

async function desire(
  placements: Bucket<autoscaler.Placement>,
  containerId: string,
  changes: Partial<autoscaler.Placement>,
): Promise<void> {
  const key = (await placements.keys()).find((candidate) => candidate.endsWith(containerId)) ?? '';
  await placements.modify(key, (now) => (now ? { ...now, ...changes } : undefined));
}

function nodeIdOf(home: string): Promise<string> {
  return eventually('the node has an id', () => {
    const path = join(home, 'node-id');
    return existsSync(path) ? execFileSync('cat', [path], { encoding: 'utf8' }) : undefined;
  });
}

async function printed(
  logs: EventStream<nodeAgent.LogBatch>,
  containerId: string,
  source?: nodeAgent.LogSource,
): Promise<string> {
  let text = '';
  for await (const { value } of logs.read({ parts: ['ap-1', containerId], signal: new AbortController().signal })) {
    for (const item of value.items) if (source === undefined || item.source === source) text += item.data;
  }
  return text;
}

async function startProcess(agents: AsyncDisposableStack, config: Config): Promise<AgentProcess> {
  const ready = join(config.home, 'run/node-agent.ready');
  await rm(ready, { force: true });
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@portico/source', join(import.meta.dirname, '../src/main.ts')],
    {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        PORTICO_HOME: config.home,
        PORTICO_NATS_URL: config.nats.url,
        PORTICO_NATS_PASSWORD_FILE: config.nats.passwordFile,
        PORTICO_SUBNET: config.subnet,
        PORTICO_LOG_LEVEL: 'silent',
      },
      stdio: 'inherit',
    },
  );
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  agents.defer(kill);
  await eventually('node-agent is ready', () => existsSync(ready));
  return { kill };
}

/** What `portico down --purge` does for the containers, and the folder. */
async function takeAway(home: string): Promise<void> {
  await removeInstance(home, instanceOf(home));
  await rm(home, { recursive: true, force: true });
}
