import { nodeAgent } from '@portico/contracts';
import type { ContainerExit } from './driver.ts';

/** What is known when a container has ended. */
export interface EndOfContainer {
  readonly exit: ContainerExit;
  readonly wasReady: boolean;
  readonly isDraining: boolean;
  readonly wasKilledByUs: boolean;
  /** The start-up took longer than allowed. */
  readonly isStartupTimeout: boolean;
  /** Why its port could not be reached by then, if that is known. */
  readonly unreachable: string | undefined;
  /** What user code said when it failed. */
  readonly failure: string | undefined;
  readonly memoryLimitBytes: number;
  readonly startupTimeoutMs: number;
}

export interface ExitReport {
  readonly reason: nodeAgent.ExitReason;
  /** For people, in the log of the app and in answers to waiting callers; empty for a wanted end. */
  readonly message: string;
}

const SIGNAL_BASE = 128;

/** Why a container ended, in the order of what explains most. */
export function exitReportOf(end: EndOfContainer): ExitReport {
  const { STOPPED, OUT_OF_MEMORY, STARTUP_FAILED, STARTUP_TIMEOUT, CRASHED, KILLED } = nodeAgent.ExitReason;
  const { exit } = end;
  if (exit.isOutOfMemory) {
    return {
      reason: OUT_OF_MEMORY,
      message: `The container was killed: it reached its memory limit of ${mebibytes(end.memoryLimitBytes)} MiB.`,
    };
  }
  if (end.isStartupTimeout) {
    return {
      reason: STARTUP_TIMEOUT,
      message:
        end.unreachable ??
        `The container was not ready within its startup_timeout of ${end.startupTimeoutMs / 1000} s.`,
    };
  }
  if (!end.wasReady && end.failure !== undefined) return { reason: STARTUP_FAILED, message: end.failure };
  if (end.isDraining) return { reason: end.wasKilledByUs ? KILLED : STOPPED, message: '' };
  if (!end.wasReady)
    return { reason: STARTUP_FAILED, message: `The container ended with ${how(exit.exitCode)} before it was ready.` };
  return { reason: CRASHED, message: `The container ended with ${how(exit.exitCode)} while it should run.` };
}

function how(exitCode: number): string {
  return exitCode > SIGNAL_BASE ? `signal ${exitCode - SIGNAL_BASE}` : `exit code ${exitCode}`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
