import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { identityOf } from '../adapters/process-table.ts';
import { failuresAfter, restartDelayMs } from '../domain/back-off.ts';
import type { ProcessSpec, ProcessState } from '../plan.ts';

/** A process that is started again whenever it ends, until `stop`. */
export interface KeptProcess {
  readonly stopOrder: number;
  readonly state: ProcessState;
  stop(): Promise<void>;
}

/** `onChange` is called whenever `state` has changed. */
export function keepRunning(spec: ProcessSpec, onChange: () => void): KeptProcess {
  let state: ProcessState = { name: spec.name, process: undefined, startedAtMs: 0, restarts: -1, lastExit: '' };
  let child: ChildProcess | undefined;
  let failures = 0;
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;
  const ended = Promise.withResolvers<void>();

  const update = (change: Partial<ProcessState>): void => {
    state = { ...state, ...change };
    onChange();
  };
  const hasEnded = (exit: string): void => {
    child = undefined;
    update({ process: undefined, lastExit: exit });
    if (isStopping) {
      ended.resolve();
      return;
    }
    failures = failuresAfter(failures, Date.now() - state.startedAtMs);
    timer = setTimeout(start, restartDelayMs(failures));
  };
  const start = (): void => {
    child = launch(spec);
    child.once('error', (error) => hasEnded(error.message));
    child.once('exit', (code, signal) => hasEnded(signal ? `ended by ${signal}` : `exit code ${code}`));
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    update({ process: identity, startedAtMs: Date.now(), restarts: state.restarts + 1 });
  };

  start();
  return {
    stopOrder: spec.stopOrder,
    get state() {
      return state;
    },
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      if (!child) return;
      const kill = setTimeout(() => child?.kill('SIGKILL'), spec.stopMs);
      child.kill('SIGTERM');
      await ended.promise;
      clearTimeout(kill);
    },
  };
}

/**
 * In a session of its own, so that Ctrl-C in a terminal reaches only the supervisor, and writing
 * straight to its log file, so that it lives on when the supervisor dies.
 */
function launch({ command, args, env, logFile }: ProcessSpec): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  try {
    return spawn(command, args, { env, cwd: '/', detached: true, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}
