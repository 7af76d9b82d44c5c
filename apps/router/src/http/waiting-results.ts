import { randomBytes } from 'node:crypto';
import { keyOfWorkspace } from '../domain/limits-in-force.ts';
import type { TimerWheel } from '../domain/timer-wheel.ts';
import type { BucketCells } from '../shared/bucket-cells.ts';
import type { Call } from './call.ts';
import { type ResultOwner, WaitingResult } from './waiting-result.ts';

/** Calls whose clients were told to come back. */
export interface WaitingResults extends Disposable {
  /** Resolves when no call runs any more without its client. */
  settled(): Promise<void>;
  /** Lets a call go on without its client; undefined when its workspace has too many of these. */
  keep(call: Call, owner: ResultOwner): WaitingResult | undefined;
  /** The thread that keeps the call; undefined when it is this one, or when no thread has given such a token. */
  threadOf(token: string): number | undefined;
  /** Undefined when there is none in this thread, or not for this host and function. */
  find(token: string, owner: Pick<ResultOwner, 'host' | 'functionId'>): WaitingResult | undefined;
}

export interface WaitingResultsOptions {
  readonly timers: TimerWheel;
  /** Most of one workspace, in all threads together. */
  readonly max: number;
  /** Which of the threads this is. */
  readonly thread: number;
  readonly bucketOf: (key: string) => BucketCells;
  /** How long an answer waits for somebody to come. */
  readonly expiryMs: number;
}

/** Nobody guesses so many. */
const TOKEN_BYTES = 24;

/** The first character of a token says which thread keeps the call. */
const THREADS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcde';

export function createWaitingResults(options: WaitingResultsOptions): WaitingResults {
  const { timers, max, expiryMs, thread, bucketOf } = options;
  const results = new Map<string, WaitingResult>();
  const countOf = (workspace: string): BucketCells => bucketOf(keyOfWorkspace(workspace));
  let running = 0;
  let onSettled: () => void = () => undefined;
  const onAnswered = (): void => {
    running -= 1;
    if (running === 0) onSettled();
  };
  const onOver = ({ token, owner }: WaitingResult): void => {
    if (results.delete(token)) countOf(owner.workspace).letGo();
  };
  return {
    settled: () =>
      new Promise((resolve) => {
        onSettled = resolve;
        if (running === 0) resolve();
      }),
    keep(call, owner) {
      if (!countOf(owner.workspace).tryKeep(max)) return undefined;
      const token = `${THREADS[thread]}${randomBytes(TOKEN_BYTES).toString('base64url').slice(1)}`;
      const result = new WaitingResult(call, token, owner, { timers, expiryMs, onAnswered, onOver });
      running += 1;
      results.set(token, result);
      return result;
    },
    threadOf(token) {
      const keeper = THREADS.indexOf(token.charAt(0) || '-');
      return keeper < 0 || keeper === thread ? undefined : keeper;
    },
    find(token, { host, functionId }) {
      const result = results.get(token);
      return result?.owner.host === host && result.owner.functionId === functionId ? result : undefined;
    },
    [Symbol.dispose]() {
      for (const result of [...results.values()]) result.drop('the router stops');
    },
  };
}
