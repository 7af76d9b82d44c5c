import { randomBytes } from 'node:crypto';
import type { TimerWheel } from '../domain/timer-wheel.ts';
import type { Call } from './call.ts';
import { type ResultOwner, WaitingResult } from './waiting-result.ts';

/** Calls whose clients were told to come back. */
export interface WaitingResults extends Disposable {
  readonly count: number;
  /** Resolves when no call runs any more without its client. */
  settled(): Promise<void>;
  /** Lets a call go on without its client; undefined when its workspace has too many of these. */
  keep(call: Call, owner: ResultOwner): WaitingResult | undefined;
  /** Undefined when there is none, or not for this host and function. */
  find(token: string, owner: Pick<ResultOwner, 'host' | 'functionId'>): WaitingResult | undefined;
}

export interface WaitingResultsOptions {
  readonly timers: TimerWheel;
  /** Most of one workspace. */
  readonly max: number;
  /** How long an answer waits for somebody to come. */
  readonly expiryMs: number;
}

/** Nobody guesses so many. */
const TOKEN_BYTES = 24;

export function createWaitingResults({ timers, max, expiryMs }: WaitingResultsOptions): WaitingResults {
  const results = new Map<string, WaitingResult>();
  const counts = new Map<string, number>();
  const count = (workspace: string, change: 1 | -1): void => {
    const now = (counts.get(workspace) ?? 0) + change;
    if (now > 0) counts.set(workspace, now);
    else counts.delete(workspace);
  };
  let running = 0;
  let onSettled: () => void = () => undefined;
  const onAnswered = (): void => {
    running -= 1;
    if (running === 0) onSettled();
  };
  const onOver = ({ token, owner }: WaitingResult): void => {
    if (results.delete(token)) count(owner.workspace, -1);
  };
  return {
    get count() {
      return results.size;
    },
    settled: () =>
      new Promise((resolve) => {
        onSettled = resolve;
        if (running === 0) resolve();
      }),
    keep(call, owner) {
      if ((counts.get(owner.workspace) ?? 0) >= max) return undefined;
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const result = new WaitingResult(call, token, owner, { timers, expiryMs, onAnswered, onOver });
      running += 1;
      results.set(token, result);
      count(owner.workspace, 1);
      return result;
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
