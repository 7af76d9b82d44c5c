import { writeSync } from 'node:fs';
import type { ContainerExit, Driver, RunSpec } from '../domain/driver.ts';

/** What a simulated container does once it is started. */
export interface SimulatedRun {
  /** What it prints. */
  readonly output?: string;
  /** How it ends; undefined = it runs until a signal comes. */
  readonly exit?: ContainerExit;
  /** It ends only by SIGKILL. */
  readonly ignoresTerm?: boolean;
}

interface Simulated {
  readonly ended: Promise<ContainerExit>;
  readonly end: (exit: ContainerExit) => void;
  readonly run: SimulatedRun;
  isRunning: boolean;
}

/** Containers without processes, for tests of what is above a driver: no root and no kernel features needed. */
export function createSimulatedDriver(behave: (spec: RunSpec) => SimulatedRun): Driver {
  const containers = new Map<string, Simulated>();
  const end = (containerId: string, exit: ContainerExit): void => {
    const container = containers.get(containerId);
    if (!container?.isRunning) return;
    container.isRunning = false;
    container.end(exit);
  };
  return {
    fingerprint: async () => 'simulated',
    async start(spec) {
      const { promise, resolve } = Promise.withResolvers<ContainerExit>();
      const run = behave(spec);
      containers.set(spec.containerId, { ended: promise, end: resolve, run, isRunning: true });
      if (run.output) writeSync(spec.stdout, run.output);
      if (run.exit) end(spec.containerId, run.exit);
    },
    async wait(containerId, signal) {
      const container = containers.get(containerId);
      if (!container) throw new Error(`there is no container ${containerId}`);
      const left = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
      return Promise.race([container.ended, left]);
    },
    isRunning: async (containerId) => containers.get(containerId)?.isRunning ?? false,
    isKnown: async (containerId) => containers.has(containerId),
    async signal(containerId, name) {
      if (name === 'SIGTERM' && containers.get(containerId)?.run.ignoresTerm) return;
      end(containerId, { exitCode: name === 'SIGTERM' ? 143 : 137, isOutOfMemory: false });
    },
    async destroy(containerId) {
      end(containerId, { exitCode: 137, isOutOfMemory: false });
      containers.delete(containerId);
    },
    stats: async (containerId) =>
      containers.get(containerId)?.isRunning ? { memoryBytes: 0, cpuUsageMs: 0, processId: 0 } : undefined,
  };
}
