import { control, nodeAgent } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import type { CallContext } from '@portico/grpc';
import { isId } from '@portico/ids';
import type { StreamEntry } from '@portico/messaging';
import { modal } from '@portico/modal-protocol';
import { unreachable } from '../adapters/unreachable.ts';
import { appById } from '../domain/apps.ts';
import { functionById } from '../functions.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** Which lines are wanted; empty strings and 0 mean any. */
interface LogScope {
  readonly appId: string;
  readonly taskId: string;
  readonly functionId: string;
  readonly searchText: string;
  /** Two requests call it so, one the other. */
  readonly source?: modal.FileDescriptor;
  readonly fileDescriptor?: modal.FileDescriptor;
}

const ANY = '*';
/** How long the last lines of an ended app may take. */
const LAST_LINES_MS = 2_000;
const NANOS_PER_MS = 1_000_000n;
/** Lines of an answer when the client does not say how many it wants, and at most. */
const LINES_DEFAULT = 100;
const LINES_MAX = 20_000;

export function logHandlers(state: State): ModalHandlers {
  return {
    appGetLogs: (request, call) => followLogs(state, request, call),
    appFetchLogs: (request, call) => fetchLogs(state, request, call),
    appCountLogs: (request, call) => countLogs(state, request, call),
  };
}

/** The newest lines of a span of time; no more than these are held at once. */
async function fetchLogs(
  state: State,
  request: modal.AppFetchLogsRequest,
  call: CallContext,
): Promise<modal.AppFetchLogsResponse> {
  const span = spanOf(request, Number.POSITIVE_INFINITY);
  const limit = Math.min(request.limit || LINES_DEFAULT, LINES_MAX);
  const batches: modal.TaskLogsBatch[] = [];
  let lines = 0;
  for await (const entry of read(state, request, { sinceMs: span.sinceMs }, call)) {
    const batch = batchOf(entry, request, span);
    if (batch.items.length === 0) continue;
    lines += batches.push(batch) && batch.items.length;
    while (lines - (batches[0]?.items.length ?? 0) >= limit) lines -= batches.shift()?.items.length ?? 0;
  }
  const [oldest] = batches;
  if (oldest && lines > limit) oldest.items = oldest.items.slice(lines - limit);
  return modal.AppFetchLogsResponse.create({ batches });
}

async function countLogs(
  state: State,
  request: modal.AppCountLogsRequest,
  call: CallContext,
): Promise<modal.AppCountLogsResponse> {
  const size = Math.max(1, request.bucketSecs) * 1_000;
  const span = spanOf(request, Date.now());
  const counts = new Map<number, { stdoutLogs: bigint; stderrLogs: bigint; systemLogs: bigint }>();
  for await (const entry of read(state, request, { sinceMs: span.sinceMs }, call)) {
    for (const item of batchOf(entry, request, span).items) {
      const start = span.sinceMs + Math.floor((item.timestamp * 1_000 - span.sinceMs) / size) * size;
      const count = counts.get(start) ?? { stdoutLogs: 0n, stderrLogs: 0n, systemLogs: 0n };
      if (item.fileDescriptor === modal.FileDescriptor.FILE_DESCRIPTOR_STDOUT) count.stdoutLogs += 1n;
      else if (item.fileDescriptor === modal.FileDescriptor.FILE_DESCRIPTOR_STDERR) count.stderrLogs += 1n;
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
}

/** When a line must have been printed; milliseconds since the epoch. */
interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

function spanOf({ since, until }: Pick<modal.AppFetchLogsRequest, 'since' | 'until'>, endMs: number): Span {
  return { sinceMs: since ? msOf(since) : 0, untilMs: until ? msOf(until) : endMs };
}

/** The app whose lines are asked for, said itself or by one of its containers or functions. */
function appIdOf(state: State, { appId, taskId, functionId }: LogScope): string {
  if (appId) return appById(state, appId).appId;
  if (taskId) {
    const known = state.containers.get(taskId)?.appId ?? state.placements.get(taskId)?.pool?.appId;
    if (known) return known;
    if (isId('container', taskId)) return ANY;
    throw new DomainError('not-found', 'container.not_found', `There is no container ${taskId}.`);
  }
  if (functionId) return functionById(state, functionId).appId;
  throw new DomainError('invalid-argument', 'logs.no_app', 'Say of which app, container or function logs are wanted.');
}

function partsOf(state: State, scope: LogScope): string[] {
  if (scope.taskId && !isId('container', scope.taskId))
    throw new DomainError('not-found', 'container.not_found', `There is no container ${scope.taskId}.`);
  const appId = appIdOf(state, scope);
  return scope.taskId ? [appId, scope.taskId] : [appId];
}

/** What is stored, oldest first. */
async function* read(
  state: State,
  scope: LogScope,
  from: { readonly sinceMs?: number; readonly afterSequence?: number },
  call: CallContext,
): AsyncIterable<StreamEntry<nodeAgent.LogBatch>> {
  const { sinceMs = 0, afterSequence = 0 } = from;
  const start = sinceMs > 0 ? { sinceMs } : { afterSequence };
  try {
    yield* state.logs.read({ parts: partsOf(state, scope), ...start, signal: call.signal });
  } catch (error) {
    throw unreachable(error);
  }
}

/** The lines of an entry that are wanted. */
function batchOf(
  { sequence, value }: StreamEntry<nodeAgent.LogBatch>,
  scope: LogScope,
  span?: Span,
): modal.TaskLogsBatch {
  const wanted = scope.source ?? scope.fileDescriptor ?? 0;
  const isWanted =
    (!scope.taskId || scope.taskId === value.containerId) &&
    (!scope.functionId || scope.functionId === value.functionId);
  const items = isWanted ? value.items : [];
  return modal.TaskLogsBatch.create({
    taskId: value.containerId,
    functionId: value.functionId,
    rootFunctionId: value.functionId,
    entryId: String(sequence),
    items: items
      .filter(({ source, data }) => (!wanted || source === wanted) && data.includes(scope.searchText))
      .map(({ data, source, timeUnixNano }) =>
        modal.TaskLogs.create({
          data,
          fileDescriptor: source,
          timestamp: Number(timeUnixNano / NANOS_PER_MS) / 1_000,
          timestampNs: timeUnixNano,
        }),
      )
      .filter(({ timestamp }) => !span || isWithin(timestamp * 1_000, span)),
  });
}

const isWithin = (ms: number, { sinceMs, untilMs }: Span): boolean => ms >= sinceMs && ms <= untilMs;

/**
 * Lines as they come, from the client's cursor on; without a time-out what is stored, and no more. When the
 * app has ended, its last lines and the word that it is over follow at once: the client waits for it before it exits.
 */
async function* followLogs(
  state: State,
  request: modal.AppGetLogsRequest,
  call: CallContext,
): AsyncIterable<modal.TaskLogsBatch> {
  const parts = partsOf(state, request);
  let cursor = Number.parseInt(request.lastEntryId || '0', 10) || 0;
  const wanted = (entry: StreamEntry<nodeAgent.LogBatch>): modal.TaskLogsBatch[] => {
    cursor = entry.sequence;
    const batch = batchOf(entry, request);
    return batch.items.length > 0 ? [batch] : [];
  };
  if (request.timeout <= 0) {
    for await (const entry of read(state, request, { afterSequence: cursor }, call)) yield* wanted(entry);
    if (state.apps.get(parts[0] ?? '')?.phase !== control.AppPhase.STOPPED) return;
  } else {
    const over = new AbortController();
    const limit = AbortSignal.any([call.signal, AbortSignal.timeout(request.timeout * 1_000)]);
    const ended = untilEnded(state, parts[0] ?? '', limit).then(
      () => over.abort(),
      () => undefined,
    );
    const signal = AbortSignal.any([limit, over.signal]);
    for await (const entry of state.logs.follow({ parts, afterSequence: cursor, signal })) yield* wanted(entry);
    if (limit.aborted) return;
    await ended;
    for await (const entry of read(state, request, { afterSequence: cursor }, call)) yield* wanted(entry);
  }
  yield modal.TaskLogsBatch.create({ entryId: String(cursor), appDone: true });
}

/** Resolves when an app is stopped and its containers have ended, or have had their time to. */
async function untilEnded(state: State, appId: string, signal: AbortSignal): Promise<void> {
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
