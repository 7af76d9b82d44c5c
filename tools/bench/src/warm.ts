import { globSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { type Conversation, openEcho, openHttp } from './conversations.ts';
import { median, print, printBudgets, printJson, printTable, quantile, round, sum } from './figures.ts';
import { type LoadResult, runLoad } from './load.ts';
import { growthOf, measureMany } from './many.ts';
import { startNginx } from './nginx.ts';
import { coreSecondsOf } from './processes.ts';

const ROUNDS = 5;
const SECONDS = 1;
const HOST = 'local--measured-bare.localhost';
const CONNECTIONS = [1, 64, 512];

/** One way to reach the container. */
interface Way {
  readonly name: 'container' | 'router' | 'nginx';
  readonly endpoint: NetConnectOpts;
  /** Of the proxy; none where there is none. */
  readonly processIds: readonly number[];
}

/** What is said on each connection. */
interface Kind {
  readonly name: string;
  readonly open: (endpoint: NetConnectOpts) => Promise<Conversation>;
}

const kinds: readonly Kind[] = [
  { name: '100 bytes', open: (endpoint) => openHttp(endpoint, HOST, '/') },
  { name: '1 MiB', open: (endpoint) => openHttp(endpoint, HOST, '/large') },
  { name: 'WebSocket echo', open: (endpoint) => openEcho(endpoint, HOST) },
];

/** The router against the container itself and against nginx, in turn and in random order. */
export async function measureWarm(): Promise<boolean> {
  await using platform = await startPlatform({ PORTICO_RATE_PER_SECOND: '1000000', PORTICO_RATE_BURST: '1000000' });
  const deployed = await platform.modal('deploy', join(repository, 'tools/bench/apps/measured.py'));
  if (deployed.exitCode !== 0) throw new Error(deployed.output);
  const processIds = [(await platform.processIds()).get('router') ?? 0];
  const through: Way = { name: 'router', endpoint: { host: '127.0.0.1', port: platform.httpPort }, processIds };
  await warmUp(through);
  const socketPath = await socketOf(platform);
  const cases = await measureCases(platform, through, socketPath);
  const many = await measureMany(platform);
  const small = (connections: number): Case | undefined =>
    cases.find((measured) => measured.kind === '100 bytes' && measured.connections === connections);
  const addedMs = (small(1)?.p50Ms.router ?? Number.NaN) - (small(1)?.p50Ms.container ?? Number.NaN);
  const coreTime = 1 / (small(64)?.toNginxPerCore.router ?? Number.NaN);
  const isGood = printBudgets([
    { what: 'added latency of the router, p50', figure: addedMs, most: 0.1, unit: 'ms' },
    { what: "core time of a request, 64 connections, against nginx's", figure: coreTime, most: 1.11, unit: '×' },
    {
      what: 'memory for idle connections and open WebSockets',
      figure: growthOf(many.idle) + growthOf(many.sockets),
      most: 150,
      unit: 'MiB',
    },
  ]);
  printJson({ bench: 'warm', addedMs, cases, many });
  return isGood;
}

interface Case {
  readonly kind: string;
  readonly connections: number;
  readonly p50Ms: Record<Way['name'], number>;
  readonly toNginxPerCore: Record<Way['name'], number>;
}

async function measureCases(platform: Platform, through: Way, socketPath: string): Promise<Case[]> {
  await using nginx = await startNginx(join(platform.home, 'nginx'), socketPath);
  const ways: Way[] = [
    { name: 'container', endpoint: { path: socketPath }, processIds: [] },
    through,
    { name: 'nginx', endpoint: { host: '127.0.0.1', port: nginx.port }, processIds: nginx.processIds },
  ];
  const cases: Case[] = [];
  for (const kind of kinds) {
    for (const connections of CONNECTIONS) {
      const results = await rounds(ways, kind, connections);
      print(`\n${kind.name}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`);
      printTable(rowsOf(ways, results));
      cases.push({ kind: kind.name, connections, ...figuresOf(ways, results) });
    }
  }
  return cases;
}

/** `coreUs` = microseconds of a core that the proxy took for each exchange. */
type Measured = LoadResult & { readonly coreUs: number };
type Rounds = ReadonlyMap<string, Measured>[];

async function rounds(ways: readonly Way[], { open }: Kind, connections: number): Promise<Rounds> {
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

/** Until the code of every thread of the router is compiled: a connection stays in one of them. */
async function warmUp({ endpoint }: Way): Promise<void> {
  for (const { open } of kinds) await runLoad({ open: () => open(endpoint), connections: 64, seconds: 3 });
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

function rowsOf(ways: readonly Way[], results: Rounds): string[][] {
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

function figuresOf(ways: readonly Way[], results: Rounds) {
  const by = (of: (name: Way['name']) => number) =>
    Object.fromEntries(ways.map(({ name }) => [name, of(name)])) as Record<Way['name'], number>;
  return {
    p50Ms: by((name) => median(latenciesOf(results, name))),
    toContainer: by((name) => ratioOf(results, name, 'container')),
    toNginx: by((name) => ratioOf(results, name, 'nginx')),
    toNginxPerCore: by((name) => perCoreOf(results, name)),
  };
}

/** The socket of the one container that is ready. */
async function socketOf({ home }: Platform): Promise<string> {
  const [path] = globSync(join(home, 'c/*/r/web.sock'));
  if (!path) throw new Error(`no container listens in ${home}/c`);
  return path;
}
