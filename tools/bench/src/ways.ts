import type { NetConnectOpts } from 'node:net';
import type { Conversation } from './conversations.ts';
import { median, quantile, round, sum } from './figures.ts';
import { type LoadResult, runLoad } from './load.ts';
import { coreSecondsOf } from './processes.ts';

const ROUNDS = 5;
const SECONDS = 1;

/** One way to reach the container. */
export interface Way {
  readonly name: 'container' | 'router' | 'nginx';
  readonly endpoint: NetConnectOpts;
  /** Of the proxy; none where there is none. */
  readonly processIds: readonly number[];
}

/** What is said on each connection. */
export interface Kind {
  readonly name: string;
  readonly open: (endpoint: NetConnectOpts) => Promise<Conversation>;
}

/** `coreUs` = microseconds of a core that the proxy took for each exchange. */
type Measured = LoadResult & { readonly coreUs: number };
export type Rounds = ReadonlyMap<string, Measured>[];

/** All ways in turn, in an order that changes. */
export async function rounds(ways: readonly Way[], { open }: Kind, connections: number): Promise<Rounds> {
  const results: Rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    const round = new Map<string, Measured>();
    for (const { name, endpoint, processIds } of [...ways].sort(() => Math.random() - 0.5)) {
      const before = sum(processIds.map(coreSecondsOf));
      const result = await runLoad({ open: () => open(endpoint), connections, seconds: SECONDS });
      const used = sum(processIds.map(coreSecondsOf)) - before;
      round.set(name, { ...result, coreUs: (used * 1e6) / result.latenciesMs.length });
    }
    results.push(round);
  }
  return results;
}

function latenciesOf(results: Rounds, name: string): number[] {
  return results.flatMap((round) => [...(round.get(name)?.latenciesMs ?? [])]);
}

/** Of each round against another way in the same round. */
function ratioOf(results: Rounds, name: string, to: Way['name']): number {
  return median(results.map((round) => (round.get(name)?.perSecond ?? 0) / (round.get(to)?.perSecond ?? 1)));
}

/** How much more of the same work nginx needs for the same core's time: above 1 = cheaper than nginx. */
function perCoreOf(results: Rounds, name: string): number {
  return median(results.map((round) => (round.get('nginx')?.coreUs ?? 0) / (round.get(name)?.coreUs || Number.NaN)));
}

export function rowsOf(ways: readonly Way[], results: Rounds): string[][] {
  return [
    ['way', 'p50 ms', 'p99 ms', 'a second', '× container', '× nginx', 'core µs each', '× nginx per core'],
    ...ways.map(({ name, processIds }) => {
      const samples = latenciesOf(results, name);
      const perSecond = median(results.map((result) => result.get(name)?.perSecond ?? 0));
      const ratios = [ratioOf(results, name, 'container'), ratioOf(results, name, 'nginx')];
      const cost = [median(results.map((result) => result.get(name)?.coreUs ?? 0)), perCoreOf(results, name)];
      const figures = [median(samples), quantile(samples, 0.99), perSecond, ...ratios].map(round);
      return [name, ...figures, ...(processIds.length > 0 ? cost.map(round) : ['–', '–'])];
    }),
  ];
}

export function figuresOf(ways: readonly Way[], results: Rounds) {
  const by = (of: (name: Way['name']) => number) =>
    Object.fromEntries(ways.map(({ name }) => [name, of(name)])) as Record<Way['name'], number>;
  return {
    p50Ms: by((name) => median(latenciesOf(results, name))),
    toContainer: by((name) => ratioOf(results, name, 'container')),
    toNginx: by((name) => ratioOf(results, name, 'nginx')),
    toNginxPerCore: by((name) => perCoreOf(results, name)),
  };
}
