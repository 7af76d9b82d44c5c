import type { autoscaler, control, imageBuilder, nodeAgent } from '@portico/contracts';
import type { EventStream } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import type { Network } from './adapters/network.ts';
import type { NodeMetrics } from './adapters/node-metrics.ts';
import type { ReportWriter } from './adapters/report-writer.ts';
import type { RootFileSystems } from './adapters/root-file-system.ts';
import type { Driver } from './domain/driver.ts';
import type { ForwardClient } from './door/door.ts';
import type { RunnerReady } from './door/runner-events.ts';

/** What every container of the node needs around it. */
export interface Surroundings {
  readonly containersDir: string;
  readonly defaultMemoryBytes: number;
  readonly openFilesMax: number;
  /** How long a container may take after SIGTERM. */
  readonly termGraceMs: number;
  readonly driver: Driver;
  readonly network: Network;
  readonly rootFileSystems: RootFileSystems;
  readonly forward: ForwardClient;
  readonly reports: ReportWriter;
  readonly logs: EventStream<nodeAgent.LogBatch>;
  readonly specOf: (placement: autoscaler.Placement) => Promise<control.ContainerSpec>;
  readonly fileSystemOf: (
    imageId: string,
    spec: control.ContainerSpec,
  ) => Promise<imageBuilder.PrepareFileSystemResponse>;
  readonly metrics: NodeMetrics;
  /** Aborts when node-agent ends: nothing is tried again after that. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** What is written beside a container, so that a later process can take it over. */
export interface SavedContainer {
  readonly report: string;
  readonly networkName: string;
  readonly address: string;
  readonly memoryBytes: number;
  /** The runner inside says where its web functions are reached. */
  readonly isRunner: boolean;
  readonly isServer: boolean;
  readonly graceMs: number;
  /** Of a program that listens by itself; else 0. */
  readonly port: number;
  /** It has asked for inputs, or its enter hooks have run. */
  readonly hasStarted: boolean;
  readonly served: RunnerReady | null;
  /** Milliseconds since the epoch; 0 = it may take work. */
  readonly drainingSinceMs: number;
  readonly startupTimeoutMs: number;
}
