import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auth, buckets, control, nodeAgent, router, type ServiceName, subjects } from '@portico/contracts';
import { macOfSecret } from '@portico/credentials';
import { connectGrpc, serveGrpc, serveSome } from '@portico/grpc';
import { type Bucket, connectNats, type Nats, openBucket, subscribe } from '@portico/messaging';
import { type CertificatePaths, eventually, natsServer, silentLog } from '@portico/testing';
import { type Limits, readConfig } from '../src/config.ts';
import { startRouter } from '../src/router.ts';
import type { ListeningOn } from '../src/threads/serving-threads.ts';

const { READY, EXITED } = nodeAgent.ContainerState;
const KEY = Buffer.alloc(32, 7);

/** The neighbours of one router, scripted, on a real NATS server; its containers are real HTTP servers. */
export interface SimulatedPlatform extends AsyncDisposable {
  readonly port: number;
  /** Under TLS; undefined without a certificate. */
  readonly httpsPort: number | undefined;
  /** Wakes that the router has sent, oldest first. */
  readonly wakes: router.PoolWake[];
  readonly loads: router.LoadReport[];
  readonly expired: nodeAgent.ContainerExpired[];
  /** Puts an app in force, or its next version. */
  deploy(app: Partial<control.LiveApp>): Promise<void>;
  /** A container that answers with node:http; reported ready when this is done. */
  container(containerId: string, listener: RequestListener, changes?: Partial<nodeAgent.Container>): Promise<Server>;
  /** A container that is only a socket, for answers that no HTTP library would give. */
  rawContainer(containerId: string, onConnection: (socket: Socket) => void): Promise<NetServer>;
  /** What node-agent says of a container from now on. */
  report(containerId: string, changes: Partial<nodeAgent.Container>): Promise<void>;
  /** Ends the router as SIGTERM does; everything else goes on. */
  stopRouter(): Promise<void>;
  /** The path a container of this id would listen on. */
  socketOf(containerId: string): string;
  /** What the operator sets for the workspace or a function; undefined takes it away. */
  limit(target: NonNullable<control.LimitTarget['target']>, bounds: Partial<control.Limit> | undefined): Promise<void>;
  /** One more router beside the first, at the same NATS server, with the same containers. */
  anotherRouter(): Promise<{ readonly port: number } & AsyncDisposable>;
  /** What the first router says of a host. */
  explain(host?: string): Promise<string>;
  /** A proxy token that is good from now on. */
  token(tokenId: string, secret: string): Promise<void>;
}

export const HOST = 'local--app-web.localhost';

export function routeOf(changes: Partial<control.Route> = {}): control.Route {
  return control.Route.create({ host: HOST, poolId: 'po-1', functionId: 'fu-1', environmentName: 'main', ...changes });
}

export function poolOf(changes: Partial<control.PoolSpec> = {}): control.PoolSpec {
  return control.PoolSpec.create({
    poolId: 'po-1',
    appId: 'ap-1',
    functionId: 'fu-1',
    kind: control.ServingKind.RUNNER,
    maxConcurrentInputs: 10,
    timeoutMs: 300_000,
    ...changes,
  });
}

export function appOf(changes: Partial<control.LiveApp> = {}): control.LiveApp {
  return control.LiveApp.create({
    appId: 'ap-1',
    name: 'app',
    version: 1,
    state: control.AppState.RUNNING,
    routes: [routeOf()],
    pools: [poolOf()],
    workspace: 'local',
    ...changes,
  });
}

export type Settings = Partial<Limits> & {
  /** How many serve; 2 if nothing is said. */
  readonly threads?: number;
};

export async function simulatedPlatform(
  settings: Settings = {},
  certificate?: CertificatePaths,
): Promise<SimulatedPlatform> {
  const opened = new AsyncDisposableStack();
  const nats = opened.use(await natsServer());
  const home = await openHome(opened);
  const connected = async (service: ServiceName): Promise<Nats> =>
    opened.use(await connectNats(nats.optionsOf(service), silentLog));
  const live = await openBucket(await connected('control'), buckets.live, true);
  const limitsSet = await openBucket(await connected('control'), buckets.limits, true);
  const containers = await openBucket(await connected('node-agent'), buckets.containers, true);
  const tokens = await openBucket(await connected('auth'), buckets.tokens, true);
  const heard = hear(await connected('autoscaler'), opened);
  await live.put('ap-1', appOf());
  const https = certificate && { port: 0, ...certificate };
  const start = (at: string, stack: AsyncDisposableStack): Promise<ListeningOn> =>
    startRouter(
      { ...configOf(at, settings), https, nats: nats.optionsOf('router') },
      { opened: stack, log: silentLog, stopping: new AbortController().signal },
    );
  const ofRouter = opened.use(new AsyncDisposableStack());
  const ports = await start(home, ofRouter);
  const asked = opened.use(connectGrpc(router.RouterServiceService, `unix://${home}/run/router.sock`));
  const explain = async (host = HOST): Promise<string> =>
    (await asked.explainHost({ host }, { deadlineMs: 5_000 })).text;
  return {
    ...ports,
    ...heard,
    ...containersIn(home, containers, opened),
    async deploy(changes) {
      const app = appOf(changes);
      await live.put(app.appId, app);
      const expected = app.state === control.AppState.STOPPED ? ': stopped' : `: pool ${app.routes[0]?.poolId} `;
      await eventually('the router has heard', async () => (await explain()).includes(expected));
    },
    explain,
    async limit(target, bounds) {
      const key = target.$case === 'workspace' ? target.value : target.value.tag;
      if (bounds) await limitsSet.put(key, control.Limit.create({ ...bounds, target: { target } }));
      else await limitsSet.delete(key);
    },
    async anotherRouter() {
      const stack = opened.use(new AsyncDisposableStack());
      const another = await start(await openHome(stack), stack);
      return { ...another, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    },
    async token(tokenId, secret) {
      const secretMac = Buffer.from(macOfSecret(KEY, secret));
      await tokens.put(tokenId, auth.Token.create({ tokenId, kind: auth.TokenKind.PROXY, secretMac }));
    },
    stopRouter: () => ofRouter.disposeAsync(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A home for a router, with the one neighbour that it asks. */
async function openHome(opened: AsyncDisposableStack): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'pr-'));
  opened.defer(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'run'));
  opened.use(await serveKey(home));
  return home;
}

/** What the router says, as the autoscaler hears it. */
function hear(nats: Nats, opened: AsyncDisposableStack): Pick<SimulatedPlatform, 'wakes' | 'loads' | 'expired'> {
  const heard = { wakes: [], loads: [], expired: [] } as Writable<
    Pick<SimulatedPlatform, 'wakes' | 'loads' | 'expired'>
  >;
  opened.use(subscribe(nats, subjects.poolWake, (wake) => heard.wakes.push(wake), silentLog));
  opened.use(subscribe(nats, subjects.load, (load) => heard.loads.push(load), silentLog));
  opened.use(subscribe(nats, subjects.containerExpired, (said) => heard.expired.push(said), silentLog));
  return heard;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function containersIn(
  home: string,
  bucket: Bucket<nodeAgent.Container>,
  opened: AsyncDisposableStack,
): Pick<SimulatedPlatform, 'container' | 'rawContainer' | 'report' | 'socketOf'> {
  const socketOf = (containerId: string): string => join(home, `${containerId}.sock`);
  const report: SimulatedPlatform['report'] = async (containerId, changes) =>
    void (await bucket.put(
      containerId,
      nodeAgent.Container.create({ containerId, poolId: 'po-1', appId: 'ap-1', ...changes }),
    ));
  const serve = async (server: NetServer, containerId: string, changes?: Partial<nodeAgent.Container>) => {
    await new Promise<void>((resolve) => server.listen(socketOf(containerId), resolve));
    opened.defer(() => void server.close());
    const address = nodeAgent.Address.create({ endpoint: { $case: 'unixPath', value: socketOf(containerId) } });
    await report(containerId, { state: READY, wasReady: true, addresses: [address], ...changes });
  };
  return {
    socketOf,
    report,
    async container(containerId, listener, changes) {
      const server = createServer({ keepAliveTimeout: 60_000 }, listener);
      await serve(server, containerId, changes);
      opened.defer(() => server.closeAllConnections());
      return server;
    },
    async rawContainer(containerId, onConnection) {
      const server = createNetServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined);
        opened.defer(() => void socket.destroy());
        onConnection(socket);
      });
      await serve(server, containerId);
      return server;
    },
  };
}

/** What the container of a failed start leaves. */
export const failedStart = (message: string): Partial<nodeAgent.Container> => ({
  state: EXITED,
  exitReason: nodeAgent.ExitReason.STARTUP_FAILED,
  message,
});

function configOf(home: string, { threads = 2, ...limits }: Settings) {
  const config = readConfig({
    PORTICO_HOME: home,
    PORTICO_NATS_URL: 'nats://127.0.0.1:1',
    PORTICO_NATS_USER: 'router',
    PORTICO_NATS_PASSWORD_FILE: '/dev/null',
    PORTICO_LISTEN: '127.0.0.1',
  });
  return { ...config, httpPort: 0, graceMs: 1_000, threads, limits: { ...config.limits, ...limits } };
}

/** The one thing that the router asks auth. */
function serveKey(home: string): Promise<AsyncDisposable> {
  const api = serveSome(auth.TokenServiceService, { getVerificationKey: () => ({ key: KEY }) });
  return serveGrpc({ address: `unix://${home}/run/auth.sock`, apis: [api], log: silentLog });
}
