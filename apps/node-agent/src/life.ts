import { join } from 'node:path';
import { nodeAgent } from '@portico/contracts';
import { recordSpan } from '@portico/telemetry';
import { createLogShipper, type LogShipper } from './adapters/log-shipper.ts';
import type { Lease } from './adapters/network.ts';
import type { OutputPipe } from './adapters/output-pipe.ts';
import { shortOf } from './adapters/runc-driver.ts';
import { saveState } from './adapters/saved-state.ts';
import type { SavedContainer, Surroundings } from './container-options.ts';
import type { Door } from './door/door.ts';
import type { RunnerEvent } from './door/runner-events.ts';

/** What node-agent keeps open for one container. */
export interface Inside {
  lease: Lease | undefined;
  door: Door | undefined;
  pipes: OutputPipe[];
  events: AsyncDisposable | undefined;
}

/** Everything that changes while a container lives. */
export class Life {
  readonly inside: Inside = { lease: undefined, door: undefined, pipes: [], events: undefined };
  readonly logs: LogShipper;
  readonly dir: string;
  readonly stopped = new AbortController();
  readonly ready = Promise.withResolvers<void>();
  report: nodeAgent.Container;
  saved: SavedContainer;
  isDraining = false;
  wasKilledByUs = false;
  isStartupTimeout = false;
  failure: string | undefined;
  asksForInputs = false;
  served: Extract<RunnerEvent, { event: 'ready' }> | undefined;
  phases: { name: string; atMs: number }[] = [];
  private writing: Promise<unknown> = Promise.resolve();
  readonly around: Surroundings;

  constructor(around: Surroundings, report: nodeAgent.Container, saved: SavedContainer) {
    this.around = around;
    this.report = report;
    this.saved = saved;
    this.dir = join(around.containersDir, shortOf(report.containerId));
    this.logs = createLogShipper(around.logs, report, around.log);
    this.ready.promise.catch(() => undefined);
  }

  /** Says what has changed: to the bucket and to the state file, in order. */
  tell(changes: Partial<nodeAgent.Container>): Promise<unknown> {
    this.report = { ...this.report, ...changes };
    const { report } = this;
    const key = report.containerId;
    this.saved = {
      ...this.saved,
      report: Buffer.from(nodeAgent.Container.encode(report).finish()).toString('base64'),
      isDraining: this.isDraining,
    };
    this.writing = this.writing
      .then(() =>
        Promise.all([this.around.reports.put(key, report), saveState(this.dir, this.saved).catch(() => undefined)]),
      )
      .catch((error: unknown) =>
        this.around.log.error({ err: error, container: key }, 'A report could not be written'),
      );
    return this.writing;
  }

  span(name: string, startMs: number, endMs: number, error?: string): void {
    recordSpan(
      name,
      { startMs, endMs },
      {
        traceparent: this.report.traceparent,
        attributes: { 'container.id': this.report.containerId },
        ...(error ? { error } : {}),
      },
    );
  }
}
