import { globSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { median, print, printBudgets, printJson, printTable, quantile, round } from './figures.ts';
import { type LoadResult, runLoad } from './load.ts';
import { startNginx } from './nginx.ts';

const ROUNDS = 5;
const SECONDS = 2;
const HOST = 'local--measured-bare.localhost';

/** One way to reach the container. */
interface Way {
  readonly name: string;
  readonly endpoint: NetConnectOpts;
}

/** The router against the container itself and against nginx, in turn and in random order. */
export async function measureWarm(): Promise<boolean> {
  await using platform = await startPlatform({ PORTICO_RATE_PER_SECOND: '1000000', PORTICO_RATE_BURST: '1000000' });
  const deployed = await platform.modal('deploy', join(repository, 'tools/bench/apps/measured.py'));
  if (deployed.exitCode !== 0) throw new Error(deployed.output);
  const through: Way = { name: 'router', endpoint: { host: '127.0.0.1', port: platform.httpPort } };
  await measure(through, 1, 1);
  const socketPath = await socketOf(platform);
  await using nginx = await startNginx(join(platform.home, 'nginx'), socketPath);
  const ways: Way[] = [
    { name: 'container', endpoint: { path: socketPath } },
    through,
    { name: 'nginx', endpoint: { host: '127.0.0.1', port: nginx.port } },
  ];
  print('one connection at a time: latency');
  const alone = await rounds(ways, 1);
  printTable(latencyRows(ways, alone));
  print('\n64 connections: throughput (the container is the limit)');
  const crowded = await rounds(ways, 64);
  printTable(throughputRows(ways, crowded));
  const p50 = (name: string): number => median(latenciesOf(alone, name));
  const addedMs = p50('router') - p50('container');
  const isGood = printBudgets([{ what: 'added latency of the router, p50', figure: addedMs, most: 1, unit: 'ms' }]);
  const figures = { addedMs, nginxAddedMs: p50('nginx') - p50('container') };
  printJson({ bench: 'warm', ...figures, ratios: ratiosOf(ways, crowded) });
  return isGood;
}

type Rounds = ReadonlyMap<string, LoadResult>[];

async function rounds(ways: readonly Way[], connections: number): Promise<Rounds> {
  const results: Rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    const round = new Map<string, LoadResult>();
    for (const way of [...ways].sort(() => Math.random() - 0.5))
      round.set(way.name, await measure(way, connections, SECONDS));
    results.push(round);
  }
  return results;
}

async function measure({ name, endpoint }: Way, connections: number, seconds: number): Promise<LoadResult> {
  const result = await runLoad({ endpoint, host: HOST, connections, seconds });
  if (result.failures > 0) throw new Error(`${result.failures} requests by way of ${name} have failed`);
  return result;
}

function latenciesOf(results: Rounds, name: string): number[] {
  return results.flatMap((round) => [...(round.get(name)?.latenciesMs ?? [])]);
}

function latencyRows(ways: readonly Way[], results: Rounds): string[][] {
  const base = median(latenciesOf(results, 'container'));
  return [
    ['way', 'p50 ms', 'p99 ms', 'added p50 ms', '× container'],
    ...ways.map(({ name }) => {
      const samples = latenciesOf(results, name);
      const p50 = median(samples);
      return [name, ...[p50, quantile(samples, 0.99), p50 - base, p50 / base].map(round)];
    }),
  ];
}

/** Of each round against nginx in the same round. */
function ratiosOf(ways: readonly Way[], results: Rounds): Record<string, number> {
  const ratio = (name: string): number =>
    median(results.map((round) => (round.get(name)?.perSecond ?? 0) / (round.get('nginx')?.perSecond ?? 1)));
  return Object.fromEntries(ways.map(({ name }) => [name, ratio(name)]));
}

function throughputRows(ways: readonly Way[], results: Rounds): string[][] {
  const ratios = ratiosOf(ways, results);
  return [
    ['way', 'requests/s', '× nginx'],
    ...ways.map(({ name }) => [
      name,
      round(median(results.map((result) => result.get(name)?.perSecond ?? 0))),
      round(ratios[name] ?? 0),
    ]),
  ];
}

/** The socket of the one container that is ready. */
async function socketOf({ home }: Platform): Promise<string> {
  const [path] = globSync(join(home, 'c/*/web.sock'));
  if (!path) throw new Error(`no container listens in ${home}/c`);
  return path;
}
