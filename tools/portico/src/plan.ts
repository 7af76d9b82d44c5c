/** A process that the supervisor keeps running. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** How long it may take to end after SIGTERM. */
  readonly stopMs: number;
  /** 0 ends last: what the others need until they have ended. */
  readonly stopOrder: number;
}

/** Everything the supervisor has to know; it reads this from a file and knows nothing of Portico. */
export interface Plan {
  readonly processes: readonly ProcessSpec[];
  readonly stateFile: string;
  readonly lockFile: string;
  /** Changes when settings or code change. */
  readonly fingerprint: string;
}

/** A process id is not enough to name a process: ids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in ticks since boot. */
  readonly startTicks: number;
}

export interface ProcessState {
  readonly name: string;
  /** Undefined while it waits to be restarted. */
  readonly process: ProcessIdentity | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly restarts: number;
  /** How it ended the last time, for people; empty if never. */
  readonly lastExit: string;
}

export interface SupervisorState {
  readonly supervisor: ProcessIdentity;
  readonly fingerprint: string;
  readonly processes: readonly ProcessState[];
}
