import type { nodeAgent } from '@portico/contracts';
import type { Bucket } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';

/** Writes what is said of containers until it is stored, also when NATS was away: the newest report counts. */
export interface ReportWriter extends AsyncDisposable {
  /** Resolves when this report, or a newer one of the same container, is stored, or this writer is closed. */
  write(report: nodeAgent.Container): Promise<void>;
}

const RETRY_MS = 250;

export function createReportWriter(bucket: Bucket<nodeAgent.Container>, log: Logger): ReportWriter {
  const newest = new Map<string, nodeAgent.Container>();
  const writing = new Map<string, Promise<void>>();
  const closed = new AbortController();
  const writeAll = async (id: string): Promise<void> => {
    for (let failures = 0; !closed.signal.aborted; ) {
      const report = newest.get(id);
      if (!report) return;
      try {
        await bucket.put(id, report);
        if (newest.get(id) === report) newest.delete(id);
        failures = 0;
      } catch (error) {
        if (failures++ === 0) log.warn({ err: error, container: id }, 'A report is not taken; trying again');
        await pause(closed.signal);
      }
    }
  };
  return {
    write(report) {
      const id = report.containerId;
      newest.set(id, report);
      const run = writing.get(id) ?? writeAll(id).finally(() => writing.delete(id));
      writing.set(id, run);
      return run;
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      await Promise.all(writing.values());
    },
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener('abort', () => [clearTimeout(timer), resolve()], { once: true });
  });
}
