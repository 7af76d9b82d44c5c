import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auth, autoscaler, buckets, control, domains, imageBuilder, nodeAgent, streams } from '@portico/contracts';
import { macOfSecret } from '@portico/credentials';
import { DomainError } from '@portico/errors';
import { connectGrpc, type GrpcClient, type Handlers, serveGrpc, serveSome } from '@portico/grpc';
import { type Bucket, connectNats, type EventStream, openBucket, openStream } from '@portico/messaging';
import { ModalClientService } from '@portico/modal-protocol';
import { natsServer, silentLog, type TestNats } from '@portico/testing';
import { startControl } from '../src/control.ts';

/** A control of its own on a real NATS server; its neighbours are there and say little. */
export interface ControlOnNats extends AsyncDisposable {
  readonly nats: TestNats;
  readonly home: string;
  readonly sdkAddress: string;
  readonly apiOrigin: string;
  /** What any client may call, with the headers of a good token. */
  readonly client: GrpcClient<typeof ModalClientService>;
  readonly good: { readonly deadlineMs: number; readonly headers: Readonly<Record<string, string>> };
  /** The door for containers, and how one of them calls there. */
  readonly door: GrpcClient<typeof ModalClientService>;
  as(containerId: string): ControlOnNats['good'];
  /** What node-agent asks. */
  readonly specs: GrpcClient<typeof control.ContainerSpecServiceService>;
  readonly live: Bucket<control.LiveApp>;
  readonly neighbours: Neighbours;
  /** Ends control as a stop of its process would, and starts it anew on the same state. */
  restart(): Promise<void>;
  token(tokenId: string, secret: string, changes?: Partial<auth.Token>): Promise<void>;
}

/** What the neighbours own, written as they would. */
export interface Neighbours {
  readonly containers: Bucket<nodeAgent.Container>;
  readonly placements: Bucket<autoscaler.Placement>;
  readonly logs: EventStream<nodeAgent.LogBatch>;
}

export interface Script {
  /** How long the client of an app may be silent. */
  readonly clientTimeoutMs?: number;
  readonly imageBuilder?: Partial<Handlers<typeof imageBuilder.ImageServiceService>>;
  readonly auth?: Partial<Handlers<typeof auth.TokenServiceService>>;
}

const KEY = Buffer.alloc(32, 9);

export async function controlOnNats({ clientTimeoutMs = 60_000, ...script }: Script = {}): Promise<ControlOnNats> {
  const opened = new AsyncDisposableStack();
  const nats = opened.use(await natsServer());
  const home = await mkdtemp(join(tmpdir(), 'pc-'));
  opened.defer(() => rm(home, { recursive: true, force: true }));
  for (const folder of ['run', 'keys', 'blobs']) await mkdir(join(home, folder), { mode: 0o700 });
  const neighbours = await makeNeighbours(nats, opened);
  await serveNeighbours(home, script, opened);
  const ofAuth = opened.use(await connectNats(nats.optionsOf('auth'), silentLog));
  const tokens = await openBucket(ofAuth, buckets.tokens, true);
  const token: ControlOnNats['token'] = async (tokenId, secret, changes) => {
    const secretMac = Buffer.from(macOfSecret(KEY, secret));
    await tokens.put(tokenId, auth.Token.create({ tokenId, kind: auth.TokenKind.API, secretMac, ...changes }));
  };
  await token('ak-good', 'as-good');
  const [sdkPort, apiPort] = [await freePort(), await freePort()];
  const config = {
    ...{ home, workspace: 'local', logLevel: 'silent', otlpEndpoint: undefined, graceMs: 1_000 },
    ...{
      nats: nats.optionsOf('control'),
      sdkPort,
      apiPort,
      httpPort: 8080,
      httpsPort: undefined,
      listen: '127.0.0.1',
      clientTimeoutMs,
    },
    baseDomain: 'localhost',
  };
  const start = async (): Promise<AsyncDisposableStack> => {
    const stack = new AsyncDisposableStack();
    await startControl(config, { opened: stack, log: silentLog, stopping: new AbortController().signal });
    return stack;
  };
  let running = await start();
  opened.defer(() => running.disposeAsync());
  const ofControl = opened.use(await connectNats(nats.optionsOf('control'), silentLog));
  return {
    nats,
    home,
    sdkAddress: `127.0.0.1:${sdkPort}`,
    apiOrigin: `http://127.0.0.1:${apiPort}`,
    client: opened.use(connectGrpc(ModalClientService, `127.0.0.1:${sdkPort}`)),
    good: { deadlineMs: 5_000, headers: { 'x-modal-token-id': 'ak-good', 'x-modal-token-secret': 'as-good' } },
    door: opened.use(connectGrpc(ModalClientService, `unix://${home}/run/control-door.sock`)),
    as: (containerId) => ({ deadlineMs: 5_000, headers: { 'portico-container-id': containerId } }),
    specs: opened.use(connectGrpc(control.ContainerSpecServiceService, `unix://${home}/run/control.sock`)),
    live: await openBucket(ofControl, buckets.live, false),
    neighbours,
    token,
    async restart() {
      await running.disposeAsync();
      running = await start();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What the neighbours own and control follows. */
async function makeNeighbours(nats: TestNats, opened: AsyncDisposableStack): Promise<Neighbours> {
  const connected = async (service: Parameters<TestNats['optionsOf']>[0]) =>
    opened.use(await connectNats(nats.optionsOf(service), silentLog));
  const ofNode = await connected('node-agent');
  await openBucket(await connected('image-builder'), buckets.images, true);
  return {
    containers: await openBucket(ofNode, buckets.containers, true),
    logs: await openStream(ofNode, streams.logs, true),
    placements: await openBucket(await connected('autoscaler'), buckets.placements, true),
  };
}

const builtImage = imageBuilder.Image.create({ imageId: 'im-1', state: imageBuilder.ImageState.READY });

/** An image builder that has every image. */
const alwaysBuilt: Script['imageBuilder'] = {
  ensureImage: () => ({ imageId: 'im-1', image: builtImage }),
  getImage: () => ({ image: builtImage }),
  async *watchBuild() {
    yield imageBuilder.WatchBuildResponse.create({ image: builtImage });
  },
  prepareFileSystem: () => imageBuilder.PrepareFileSystemResponse.create({}),
};

/** An auth service that gives nothing away. */
const withoutTokens: Script['auth'] = {
  getVerificationKey: () => ({ key: KEY }),
  issueJwt: () => auth.IssueJwtResponse.create({ jwt: 'a.b.c' }),
  listTokens: () => auth.ListTokensResponse.create({}),
  createToken: () => auth.CreateTokenResponse.create({}),
  updateToken: () => auth.UpdateTokenResponse.create({}),
  revokeToken() {
    throw new DomainError('not-found', 'token.not_found', 'There is no such token.');
  },
};

async function serveNeighbours(home: string, script: Script, opened: AsyncDisposableStack): Promise<void> {
  const neighbours = {
    auth: serveSome(auth.TokenServiceService, { ...withoutTokens, ...script.auth }),
    'image-builder': serveSome(imageBuilder.ImageServiceService, { ...alwaysBuilt, ...script.imageBuilder }),
    autoscaler: serveSome(autoscaler.AutoscalerServiceService, { stopContainer: () => ({}) }),
    domains: serveSome(domains.DomainServiceService, { checkCustomDomains: () => ({ refusal: 'not yet' }) }),
    'node-agent': serveSome(nodeAgent.NodeAgentServiceService, {}),
  };
  for (const [name, api] of Object.entries(neighbours))
    opened.use(await serveGrpc({ address: `unix://${home}/run/${name}.sock`, apis: [api], log: silentLog }));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
