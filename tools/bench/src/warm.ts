import { globSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { type Conversation, openEcho, openHttp } from './conversations.ts';
import { print, printBudgets, printJson, printTable } from './figures.ts';
import { runLoad } from './load.ts';
import { growthOf, measureMany } from './many.ts';
import { startNginx } from './nginx.ts';
import { measureOneCore } from './one-core.ts';
import { figuresOf, rounds, rowsOf, type Way } from './ways.ts';

const HOST = 'local--measured-bare.localhost';
const CONNECTIONS = [1, 64, 512];
const ROUNDS = 5;
const SECONDS = 1;

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
  const { cases, many } = await measurePlatform();
  const oneCore = await measureOneCore();
  const alone = cases.find(({ kind, connections }) => kind === '100 bytes' && connections === 1);
  const addedMs = (alone?.p50Ms.router ?? Number.NaN) - (alone?.p50Ms.container ?? Number.NaN);
  const memory = growthOf(many.idle) + growthOf(many.sockets);
  const isGood = printBudgets([
    { what: 'added latency of the router, p50', figure: addedMs, most: 0.1, unit: 'ms' },
    {
      what: 'core time of a request, one core each',
      figure: 1 / oneCore.toNginxPerCore.router,
      most: 1.11,
      unit: '× nginx',
    },
    { what: 'memory for idle connections and open WebSockets', figure: memory, most: 150, unit: 'MiB' },
  ]);
  printJson({ bench: 'warm', addedMs, cases, oneCore, many });
  return isGood;
}

async function measurePlatform() {
  await using platform = await startPlatform({ PORTICO_RATE_PER_SECOND: '1000000', PORTICO_RATE_BURST: '1000000' });
  const deployed = await platform.modal('deploy', join(repository, 'tools/bench/apps/measured.py'));
  if (deployed.exitCode !== 0) throw new Error(deployed.output);
  const processIds = [(await platform.processIds()).get('router') ?? 0];
  const through: Way = { name: 'router', endpoint: { host: '127.0.0.1', port: platform.httpPort }, processIds };
  await warmUp(through);
  const socketPath = await socketOf(platform);
  return { cases: await measureCases(platform, through, socketPath), many: await measureMany(platform) };
}

interface Case {
  readonly kind: string;
  readonly connections: number;
  readonly p50Ms: Record<Way['name'], number>;
  readonly toNginxPerCore: Record<Way['name'], number>;
}

async function measureCases(platform: Platform, through: Way, socketPath: string): Promise<Case[]> {
  await using nginx = await startNginx(join(platform.home, 'nginx'), `unix:${socketPath}`, availableParallelism());
  const ways: Way[] = [
    { name: 'container', endpoint: { path: socketPath }, processIds: [] },
    through,
    { name: 'nginx', endpoint: { host: '127.0.0.1', port: nginx.port }, processIds: nginx.processIds },
  ];
  const cases: Case[] = [];
  for (const kind of kinds) {
    for (const connections of CONNECTIONS) {
      const results = await rounds(ways, ROUNDS, ({ endpoint }) =>
        runLoad({ open: () => kind.open(endpoint), connections, seconds: SECONDS }),
      );
      print(`\n${kind.name}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`);
      printTable(rowsOf(ways, results));
      cases.push({ kind: kind.name, connections, ...figuresOf(ways, results) });
    }
  }
  return cases;
}

/** Until the code of every thread of the router is compiled: a connection stays in one of them. */
async function warmUp({ endpoint }: Way): Promise<void> {
  for (const { open } of kinds) await runLoad({ open: () => open(endpoint), connections: 64, seconds: 3 });
}

/** The socket of the one container that is ready. */
async function socketOf({ home }: Platform): Promise<string> {
  const [path] = globSync(join(home, 'c/*/r/web.sock'));
  if (!path) throw new Error(`no container listens in ${home}/c`);
  return path;
}
