import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export const repository = join(import.meta.dirname, '../../..');
const modalProgram = join(repository, '.toolchain/client-venv/bin/modal');

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

export interface Finished {
  readonly exitCode: number;
  /** Standard output and error, as they came. */
  readonly output: string;
}

export interface RunningClient {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly finished: Promise<Finished>;
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
  const client = {
    ...environment,
    MODAL_SERVER_URL: `http://127.0.0.1:${sdkPort}`,
    MODAL_TOKEN_ID: token.token_id,
    MODAL_TOKEN_SECRET: token.token_secret,
    MODAL_CONFIG_PATH: join(home, 'modal.toml'),
    COLUMNS: '200',
    // Set by task runners: it would have the client draw its tree again and again, as on a terminal.
    FORCE_COLOR: undefined,
  };
  const clients = new Set<ChildProcess>();
  return {
    home,
    httpPort: httpPort ?? 0,
    environment: client,
    portico,
    modal: (...args) => run(modalProgram, args, client).finished,
    modalAs: (settings, ...args) => run(modalProgram, args, { ...client, ...settings }).finished,
    startModal(...args) {
      const running = run(modalProgram, args, client);
      clients.add(running.child);
      return running;
    },
    processIds: async () => processIdsOf((await portico('status', '--json')).output),
    async [Symbol.asyncDispose]() {
      // One that a failed test has left would keep the tests from ending.
      for (const child of clients) child.kill('SIGKILL');
      await purge();
    },
  };
}

function processIdsOf(status: string): Map<string, number> {
  const { services } = JSON.parse(status) as { services: { name: string; pid?: number }[] };
  return new Map(services.flatMap(({ name, pid }) => (pid ? [[name, pid]] : [])));
}

function run(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): RunningClient {
  const child = spawn(file, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (data: Buffer): void => {
    output += data.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 1, output }));
  });
  return { child, output: () => output, finished };
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

/** Waits until a running client has printed something. */
export async function untilPrinted(client: RunningClient, text: string | RegExp, withinMs = 120_000): Promise<void> {
  await eventually(
    `the client prints ${text}`,
    () => (typeof text === 'string' ? client.output().includes(text) : text.test(client.output())),
    { withinMs },
  );
}
