import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, officialClient, type RunningClient, repository, run } from './client.ts';

/** A whole platform of its own: home, ports, containers. Disposing leaves nothing of it. */
export interface Platform extends AsyncDisposable {
  readonly home: string;
  readonly httpPort: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs the official client to its end. */
  modal(...args: string[]): Promise<Finished>;
  /** The same with other settings: another token, say. */
  modalAs(settings: Readonly<Record<string, string | undefined>>, ...args: string[]): Promise<Finished>;
  /** Starts the official client and lets it run. */
  startModal(...args: string[]): RunningClient;
  portico(...args: string[]): Promise<Finished>;
  /** Process ids of the services, by name. */
  processIds(): Promise<ReadonlyMap<string, number>>;
}

/** Starts a platform; images are shared with other instances of the machine. */
export async function startPlatform(extra: Readonly<Record<string, string>> = {}): Promise<Platform> {
  const home = await mkdtemp(join(tmpdir(), 'po-'));
  const [httpPort, sdkPort, apiPort] = await freePorts(3);
  const environment = {
    PORTICO_HOME: home,
    PORTICO_HTTP_PORT: String(httpPort),
    PORTICO_SDK_PORT: String(sdkPort),
    PORTICO_API_PORT: String(apiPort),
    ...extra,
  };
  const portico = (...args: string[]): Promise<Finished> =>
    run(join(repository, 'portico'), args, environment).finished;
  const purge = async (): Promise<void> => {
    await portico('down', '--purge');
    await rm(home, { recursive: true, force: true });
  };
  const up = await portico('up', '--no-hello');
  if (up.exitCode !== 0) {
    await purge();
    throw new Error(`./portico up failed:\n${up.output}`);
  }
  const token = JSON.parse(await readFile(join(home, 'keys/client-token.json'), 'utf8')) as {
    token_id: string;
    token_secret: string;
  };
  const client = officialClient({
    ...environment,
    MODAL_SERVER_URL: `http://127.0.0.1:${sdkPort}`,
    MODAL_TOKEN_ID: token.token_id,
    MODAL_TOKEN_SECRET: token.token_secret,
    MODAL_CONFIG_PATH: join(home, 'modal.toml'),
  });
  return {
    home,
    httpPort: httpPort ?? 0,
    environment: client.environment,
    portico,
    modal: (...args) => client.start(args).finished,
    modalAs: (settings, ...args) => client.start(args, settings).finished,
    startModal: (...args) => client.start(args),
    processIds: async () => processIdsOf((await portico('status', '--json')).output),
    async [Symbol.asyncDispose]() {
      client.killAll();
      await purge();
    },
  };
}

function processIdsOf(status: string): Map<string, number> {
  const { services } = JSON.parse(status) as { services: { name: string; pid?: number }[] };
  return new Map(services.flatMap(({ name, pid }) => (pid ? [[name, pid]] : [])));
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
