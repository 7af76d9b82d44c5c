import type { Conversation } from './conversations.ts';
import { median, quantile } from './figures.ts';

export interface LoadOptions {
  readonly open: () => Promise<Conversation>;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Questions that were answered. */
  readonly exchanges: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Questions one after the other on each of some kept connections, for some seconds. */
export async function runLoad({ open, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const conversations = await Promise.all(Array.from({ length: connections }, open));
  const latenciesMs: number[] = [];
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  const run = async (conversation: Conversation): Promise<void> => {
    for (let sentAt = begin; sentAt < end; ) {
      sentAt = performance.now();
      await conversation.ask();
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(conversations.map(run));
  const perSecond = latenciesMs.length / ((performance.now() - begin) / 1_000);
  for (const conversation of conversations) conversation[Symbol.dispose]();
  return { exchanges: latenciesMs.length, perSecond, p50Ms: median(latenciesMs), p99Ms: quantile(latenciesMs, 0.99) };
}
