import { join } from 'node:path';
import { nodeAgent } from '@portico/contracts';
import { recordSpan } from '@portico/telemetry';
import { createLogShipper, type LogShipper } from './adapters/log-shipper.ts';
import type { Lease } from './adapters/network.ts';
import type { OutputPipe } from './adapters/output-pipe.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { shortOf } from './adapters/runc-driver.ts';
import { saveState } from './adapters/saved-state.ts';
import type { SavedContainer, Surroundings } from './container-options.ts';
import type { Door } from './door/door.ts';

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
  readonly runDir: string;
  readonly stopped = new AbortController();
  readonly ready = Promise.withResolvers<void>();
  report: nodeAgent.Container;
  saved: SavedContainer;
  wasKilledByUs = false;
  isStartupTimeout = false;
  /** Why its port could not be reached when its time for the start was over. */
  unreachable: string | undefined;
  /** A process before this one started it. */
  isAdopted = false;
  failure: string | undefined;
  phases: { name: string; atMs: number }[] = [];
  private saving: Promise<unknown> = Promise.resolve();
  readonly around: Surroundings;

  constructor(around: Surroundings, report: nodeAgent.Container, saved: SavedContainer) {
    this.around = around;
    this.report = report;
    this.saved = saved;
    this.dir = join(around.containersDir, shortOf(report.containerId));
    this.runDir = runFolderOf(this.dir);
    this.logs = createLogShipper(around.logs, report, around);
    this.ready.promise.catch(() => undefined);
  }

  get isDraining(): boolean {
    return this.saved.drainingSinceMs > 0;
  }

  /** Says what has changed, to the bucket and to the state file; resolves when both have it. */
  async tell(changes: Partial<nodeAgent.Container>): Promise<void> {
    this.report = { ...this.report, ...changes };
    await Promise.all([this.around.reports.write(this.report), this.save({})]);
  }

  /** Keeps for a later process what it needs to take over. */
  save(changes: Partial<SavedContainer>): Promise<unknown> {
    const report = Buffer.from(nodeAgent.Container.encode(this.report).finish()).toString('base64');
    this.saved = { ...this.saved, ...changes, report };
    const state = this.saved;
    this.saving = this.saving
      .then(() => saveState(this.dir, state))
      .catch((error: unknown) =>
        this.around.log.error({ err: error, container: this.report.containerId }, 'The state could not be saved'),
      );
    return this.saving;
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
