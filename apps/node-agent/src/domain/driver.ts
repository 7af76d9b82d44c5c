/** What a container runtime must be able to do. `test/driver-conformance.test.ts` says it as tests. */
export interface Driver {
  /** The runtime and its version, for people; throws a sentence when it can't be used. */
  fingerprint(): Promise<string>;
  /** Starts a container; resolves when its process exists and can be signalled. */
  start(spec: RunSpec): Promise<void>;
  /** Resolves with the end of a container, also of one started before this process. */
  wait(containerId: string, signal: AbortSignal): Promise<ContainerExit>;
  /** Whether its process is there. */
  isRunning(containerId: string): Promise<boolean>;
  /** Whether it runs or its end is known, so that `wait` will resolve; false after the machine has restarted. */
  isKnown(containerId: string): Promise<boolean>;
  /** Sends a signal; nothing happens when it has ended. */
  signal(containerId: string, name: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Kills what is left and removes the runtime's state; may be called again. */
  destroy(containerId: string): Promise<void>;
  stats(containerId: string): Promise<ContainerStats | undefined>;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
}

export interface ContainerStats {
  readonly memoryBytes: number;
  readonly cpuUsageMs: number;
  readonly processId: number;
}

/** One bind mount. */
export interface Bind {
  readonly source: string;
  readonly destination: string;
  readonly isReadOnly: boolean;
}

/** Everything a runtime needs to start one container. */
export interface RunSpec {
  readonly containerId: string;
  /** Folder for the runtime's files of this container. */
  readonly bundleDir: string;
  readonly rootDir: string;
  readonly networkNamespace: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDirectory: string;
  readonly hostName: string;
  readonly binds: readonly Bind[];
  readonly limits: Limits;
  /** File descriptors that become its standard output and error. */
  readonly stdout: number;
  readonly stderr: number;
}

export interface Limits {
  /** 0 = none. */
  readonly memoryBytes: number;
  /** Thousandths of a core; 0 = none. */
  readonly cpuMillis: number;
  /** Relative weight of CPU, thousandths of a core that were asked for. */
  readonly cpuWeightMillis: number;
  readonly processes: number;
  /** Most open files; may not exceed what the node itself may. */
  readonly openFiles: number;
}
