import type { NetConnectOpts } from 'node:net';
import { median, round, sum } from './figures.ts';
import type { LoadResult } from './load.ts';
import { coreSecondsOf } from './processes.ts';

/** One way to reach the container. */
export interface Way {
  readonly name: 'container' | 'router' | 'nginx';
  readonly endpoint: NetConnectOpts;
  /** Of the proxy; none where there is none. */
  readonly processIds: readonly number[];
}

/** `coreUs` = microseconds of a core that the proxy took for each exchange. */
type Measured = LoadResult & { readonly coreUs: number };
export type Rounds = ReadonlyMap<string, Measured>[];

/** All ways in turn, so many times, in an order that changes. */
export async function rounds(
  ways: readonly Way[],
  times: number,
  load: (way: Way) => Promise<LoadResult>,
): Promise<Rounds> {
  const results: Rounds = [];
  for (let i = 0; i < times; i++) {
    const round = new Map<string, Measured>();
    for (const way of [...ways].sort(() => Math.random() - 0.5)) {
      const before = sum(way.processIds.map(coreSecondsOf));
      const result = await load(way);
      const used = sum(way.processIds.map(coreSecondsOf)) - before;
      round.set(way.name, { ...result, coreUs: (used * 1e6) / result.exchanges });
    }
    results.push(round);
  }
  return results;
}

/** Of what was measured in each round. */
function medianOf(results: Rounds, name: string, figure: keyof Measured): number {
  return median(results.map((round) => round.get(name)?.[figure] ?? 0));
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
      const measured = (['p50Ms', 'p99Ms', 'perSecond'] as const).map((figure) => medianOf(results, name, figure));
      const ratios = [ratioOf(results, name, 'container'), ratioOf(results, name, 'nginx')];
      const cost = [medianOf(results, name, 'coreUs'), perCoreOf(results, name)];
      const figures = [...measured, ...ratios].map(round);
      return [name, ...figures, ...(processIds.length > 0 ? cost.map(round) : ['–', '–'])];
    }),
  ];
}

export function figuresOf(ways: readonly Way[], results: Rounds) {
  const by = (of: (name: Way['name']) => number) =>
    Object.fromEntries(ways.map(({ name }) => [name, of(name)])) as Record<Way['name'], number>;
  return {
    p50Ms: by((name) => medianOf(results, name, 'p50Ms')),
    toContainer: by((name) => ratioOf(results, name, 'container')),
    toNginx: by((name) => ratioOf(results, name, 'nginx')),
    toNginxPerCore: by((name) => perCoreOf(results, name)),
  };
}
