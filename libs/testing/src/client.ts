import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export const repository = join(import.meta.dirname, '../../..');

type Environment = Readonly<Record<string, string | undefined>>;

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

/** The unmodified `modal` command, as a user of one platform has it in the shell. */
export interface OfficialClient {
  readonly environment: Environment;
  /** Starts it with these arguments; `settings` go over its environment for this once. */
  start(args: readonly string[], settings?: Environment): RunningClient;
  /** Ends those that a failed test has left: they would keep the tests from ending. */
  killAll(): void;
}

export function officialClient(settings: Environment): OfficialClient {
  const environment = {
    ...settings,
    COLUMNS: '200',
    // Set by task runners: it would have the client draw its tree again and again, as on a terminal.
    FORCE_COLOR: undefined,
  };
  const clients = new Set<ChildProcess>();
  return {
    environment,
    start(args, more) {
      const program = join(repository, '.toolchain/client-venv/bin/modal');
      const running = run(program, args, { ...environment, ...more });
      clients.add(running.child);
      running.child.once('close', () => clients.delete(running.child));
      return running;
    },
    killAll: () => {
      for (const child of clients) child.kill('SIGKILL');
    },
  };
}

/** Starts a program and gathers what it prints. */
export function run(file: string, args: readonly string[], environment: Environment): RunningClient {
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

/** Waits until a running client has printed something. */
export async function untilPrinted(client: RunningClient, text: string | RegExp, withinMs = 120_000): Promise<void> {
  await eventually(
    `the client prints ${text}`,
    () => (typeof text === 'string' ? client.output().includes(text) : text.test(client.output())),
    { withinMs },
  );
}
