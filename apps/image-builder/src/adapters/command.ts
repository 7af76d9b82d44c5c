import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandResult {
  readonly exitCode: number;
  /** The last part of what it printed, both streams. */
  readonly tail: string;
  readonly stdout: string;
}

export interface CommandOptions {
  readonly onLine?: (line: string, isError: boolean) => void;
  /** Instead of our own environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Files that the program and all it starts hold locked until the last of them has ended. */
  readonly locks?: readonly Lock[];
}

export interface Lock {
  readonly file: string;
  readonly mode: 'shared' | 'exclusive';
}

const TAIL_CHARS = 16_000;
const STDOUT_CHARS = 4_000_000;

/** Runs a program to its end. A program that fails is a result; one that can't be started is an error. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      killSignal: 'SIGKILL',
      ...(options.cwd ? { cwd: options.cwd } : {}),
      ...(options.env ? { env: options.env } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.timeoutMs ? { timeout: options.timeoutMs } : {}),
    });
    let tail = '';
    let stdout = '';
    const take = (isError: boolean) => (line: string) => {
      tail = `${tail}${line}\n`.slice(-TAIL_CHARS);
      if (!isError && stdout.length < STDOUT_CHARS) stdout += `${line}\n`;
      options.onLine?.(line, isError);
    };
    createInterface({ input: child.stdout }).on('line', take(false));
    createInterface({ input: child.stderr }).on('line', take(true));
    // A program that was cancelled is a result as well, once all that it started has ended.
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.once('close', (code, signal) => resolve({ exitCode: code ?? (signal ? 128 : 1), tail, stdout }));
  });
}

/** The same for programs that must succeed. */
export async function mustRun(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { exitCode, tail, stdout } = await runCommand(file, args, options);
  if (exitCode !== 0) throw new Error(`${file} ${args[0] ?? ''} ended with ${exitCode}: ${tail.trim().slice(-2_000)}`);
  return stdout;
}

/**
 * Runs a program in a process and mount namespace of its own, so that nothing of it outlives it or
 * us: when it is killed, or we are, every process that it started ends and every mount goes.
 */
export function runConfined(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const locks = (options.locks ?? []).flatMap((lock) => ['flock', `--${lock.mode}`, '--no-fork', lock.file]);
  const confine = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--',
  ];
  const [first = file, ...rest] = [...locks, ...confine, file, ...args];
  return runCommand(first, rest, options);
}
