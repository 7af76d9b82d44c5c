import { control, nodeAgent } from '@portico/contracts';
import type { CallContext } from '@portico/grpc';
import type { StreamEntry } from '@portico/messaging';
import { modal } from '@portico/modal-protocol';
import { appById } from '../domain/apps.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** Which lines are wanted; empty strings and 0 mean any. */
interface LogFilter {
  readonly taskId: string;
  readonly functionId: string;
  readonly source: modal.FileDescriptor;
  readonly searchText: string;
}

/** How long the last lines of an ended app may take. */
const LAST_LINES_MS = 2_000;
const NANOS_PER_MS = 1_000_000n;

export function logHandlers(state: State): ModalHandlers {
  return {
    appGetLogs: (request, call) => followLogs(state, request, call),
    async appFetchLogs(request, call) {
      const filter = { ...request, source: request.source };
      const untilMs = request.until ? msOf(request.until) : Number.POSITIVE_INFINITY;
      const batches: modal.TaskLogsBatch[] = [];
      for await (const entry of read(
        state,
        request.appId,
        request.taskId,
        request.since ? msOf(request.since) : 0,
        call,
      )) {
        const batch = batchOf(entry, filter);
        batch.items = batch.items.filter((item) => item.timestamp * 1_000 <= untilMs);
        if (batch.items.length > 0) batches.push(batch);
      }
      return modal.AppFetchLogsResponse.create({ batches: newest(batches, request.limit || 100) });
    },
    async appCountLogs(request, call) {
      const size = Math.max(1, request.bucketSecs) * 1_000;
      const sinceMs = request.since ? msOf(request.since) : 0;
      const untilMs = request.until ? msOf(request.until) : Date.now();
      const counts = new Map<number, { stdoutLogs: bigint; stderrLogs: bigint; systemLogs: bigint }>();
      for await (const entry of read(state, request.appId, request.taskId, sinceMs, call)) {
        for (const item of batchOf(entry, { ...request, source: request.source }).items) {
          const atMs = item.timestamp * 1_000;
          if (atMs < sinceMs || atMs > untilMs) continue;
          const start = sinceMs + Math.floor((atMs - sinceMs) / size) * size;
          const count = counts.get(start) ?? { stdoutLogs: 0n, stderrLogs: 0n, systemLogs: 0n };
          if (item.fileDescriptor === 1) count.stdoutLogs += 1n;
          else if (item.fileDescriptor === 2) count.stderrLogs += 1n;
          else count.systemLogs += 1n;
          counts.set(start, count);
        }
      }
      const buckets = [...counts]
        .sort(([a], [b]) => a - b)
        .map(([start, count]) =>
          modal.AppCountLogsResponse_LogBucket.create({ bucketStartAt: timestampOf(start), ...count }),
        );
      return modal.AppCountLogsResponse.create({ appId: request.appId, buckets });
    },
  };
}

function read(
  state: State,
  appId: string,
  taskId: string,
  sinceMs: number,
  call: CallContext,
): AsyncIterable<StreamEntry<nodeAgent.LogBatch>> {
  const parts = taskId ? [appId || '*', taskId] : [appId];
  return state.logs.read({ parts, ...(sinceMs > 0 ? { sinceMs } : {}), signal: call.signal });
}

function batchOf(entry: StreamEntry<nodeAgent.LogBatch>, filter: LogFilter): modal.TaskLogsBatch {
  const { value } = entry;
  const isWanted =
    (!filter.taskId || filter.taskId === value.containerId) &&
    (!filter.functionId || filter.functionId === value.functionId);
  const items = isWanted
    ? value.items.filter(
        (item) =>
          (!filter.source || item.source === filter.source) &&
          (!filter.searchText || item.data.includes(filter.searchText)),
      )
    : [];
  return modal.TaskLogsBatch.create({
    taskId: value.containerId,
    functionId: value.functionId,
    rootFunctionId: value.functionId,
    entryId: String(entry.sequence),
    items: items.map((item) =>
      modal.TaskLogs.create({
        data: item.data,
        fileDescriptor: item.source,
        timestamp: Number(item.timeUnixNano / NANOS_PER_MS) / 1_000,
        timestampNs: item.timeUnixNano,
      }),
    ),
  });
}

/** The last `limit` lines, in order. */
function newest(batches: modal.TaskLogsBatch[], limit: number): modal.TaskLogsBatch[] {
  let left = limit;
  const kept: modal.TaskLogsBatch[] = [];
  for (const batch of batches.reverse()) {
    if (left <= 0) break;
    const items = batch.items.slice(-left);
    left -= items.length;
    kept.unshift({ ...batch, items });
  }
  return kept;
}

/**
 * Lines as they come, from the client's cursor on. When the app has ended, its last lines and the
 * word that it is over follow at once: the client waits for it before it exits.
 */
async function* followLogs(
  state: State,
  request: modal.AppGetLogsRequest,
  call: CallContext,
): AsyncIterable<modal.TaskLogsBatch> {
  const filter = { ...request, source: request.fileDescriptor };
  const appId = request.appId || (state.containers.get(request.taskId)?.appId ?? '*');
  const over = new AbortController();
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(Math.max(request.timeout, 0.05) * 1_000)]);
  const ended = untilEnded(state, appId, limit).then(
    () => over.abort(),
    () => undefined,
  );
  let cursor = Number.parseInt(request.lastEntryId || '0', 10) || 0;
  const parts = request.taskId ? [appId, request.taskId] : [appId];
  const signal = AbortSignal.any([limit, over.signal]);
  for await (const entry of state.logs.follow({ parts, afterSequence: cursor, signal })) {
    cursor = entry.sequence;
    const batch = batchOf(entry, filter);
    if (batch.items.length > 0) yield batch;
  }
  if (limit.aborted) return;
  await ended;
  for await (const entry of state.logs.read({ parts, afterSequence: cursor, signal: call.signal })) {
    cursor = entry.sequence;
    const batch = batchOf(entry, filter);
    if (batch.items.length > 0) yield batch;
  }
  yield modal.TaskLogsBatch.create({ entryId: String(cursor), appDone: true });
}

/** Resolves when an app is stopped and its containers have ended, or have had their time to. */
async function untilEnded(state: State, appId: string, signal: AbortSignal): Promise<void> {
  if (appId === '*') appById(state, appId);
  await state.apps.until(() => (state.apps.get(appId)?.phase === control.AppPhase.STOPPED ? true : undefined), signal);
  const withLines = AbortSignal.any([signal, AbortSignal.timeout(LAST_LINES_MS)]);
  const isAlive = ({ appId: of, state: now }: nodeAgent.Container): boolean =>
    of === appId && now !== nodeAgent.ContainerState.EXITED;
  await state.containers
    .until(
      () => ([...state.containers.entries()].some(([, container]) => isAlive(container)) ? undefined : true),
      withLines,
    )
    .catch(() => undefined);
}

function msOf({ seconds, nanos }: { seconds: bigint; nanos: number }): number {
  return Number(seconds) * 1_000 + nanos / 1e6;
}

function timestampOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanos: Math.round(ms % 1_000) * 1_000_000 };
}
