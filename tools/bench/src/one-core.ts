import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { type Platform, repository, startPlatform } from '@portico/testing';
import { openHttp } from './conversations.ts';
import { print, printTable } from './figures.ts';
import { startNginx } from './nginx.ts';
import { childrenOf } from './processes.ts';
import { figuresOf, rounds, rowsOf, type Way } from './ways.ts';
import { runWrk } from './wrk.ts';

const HOST = 'local--one-core-fast.localhost';
const CONNECTIONS = 64;
const PORT = 8000;
const WARM_SECONDS = 8;
/** Many and short ones: how fast a core is changes from one second to the next. */
const ROUNDS = 21;
const SECONDS = 1;
/** Where the proxies run, and where everything else does. */
const [OF_PROXIES, OF_OTHERS] = ['0', '1'];

/** What one core carries: a router with one thread and nginx with one worker on the same core, in turn, nothing else on it. */
export async function measureOneCore() {
  const all = { PORTICO_RATE_PER_SECOND: '1000000', PORTICO_RATE_BURST: '1000000' };
  await using platform = await startPlatform({ ...all, PORTICO_ROUTER_THREADS: '1' });
  const deployed = await platform.modal('deploy', join(repository, 'tools/bench/apps/one_core.py'));
  if (deployed.exitCode !== 0) throw new Error(deployed.output);
  const router = (await platform.processIds()).get('router') ?? 0;
  const through = {
    name: 'router',
    endpoint: { host: '127.0.0.1', port: platform.httpPort },
    processIds: [router],
  } as const;
  const load = ({ endpoint }: OverTcp, seconds = SECONDS) =>
    runWrk(endpoint, { folder: platform.home, host: HOST, connections: CONNECTIONS, seconds });
  await answered(through.endpoint);
  await load(through, WARM_SECONDS);
  const container = await containerOf(platform);
  await using nginx = await startNginx(join(platform.home, 'nginx'), `${container.address}:${PORT}`, 1);
  const ways: OverTcp[] = [
    { name: 'container', endpoint: { host: container.address, port: PORT }, processIds: [] },
    through,
    { name: 'nginx', endpoint: { host: '127.0.0.1', port: nginx.port }, processIds: nginx.processIds },
  ];
  for (const id of [router, ...nginx.processIds]) pin(id, OF_PROXIES);
  const services = [...(await platform.processIds()).values()].filter((id) => id !== router);
  // wrk is started by this process, and runs where it does.
  for (const id of [process.pid, ...services, ...familyOf(container.processId)]) pin(id, OF_OTHERS);
  const results = await rounds(ways, ROUNDS, (way) => load(way as OverTcp));
  print(`\n100 bytes, ${CONNECTIONS} connections, the proxies on a core of their own`);
  printTable(rowsOf(ways, results));
  return figuresOf(ways, results);
}

/** wrk knows no other sockets. */
type OverTcp = Way & { readonly endpoint: { readonly host: string; readonly port: number } };

/** Until the container has started. */
async function answered(endpoint: OverTcp['endpoint']): Promise<void> {
  using first = await openHttp(endpoint, HOST, '/');
  await first.ask();
}

/** All threads of a process run on one core from now on. */
function pin(id: number, core: string): void {
  execFileSync('taskset', ['-apc', core, String(id)]);
}

function familyOf(id: number): number[] {
  return [id, ...childrenOf(id).flatMap(familyOf)];
}

/** The one container, and where it is reached from this machine. */
async function containerOf(platform: Platform): Promise<{ processId: number; address: string }> {
  const { containers } = JSON.parse((await platform.portico('status', '--json')).output) as {
    containers: { pid: number }[];
  };
  const processId = containers[0]?.pid ?? 0;
  const said = execFileSync('nsenter', ['-t', String(processId), '-n', 'hostname', '-I'], { encoding: 'utf8' });
  return { processId, address: said.trim().split(' ')[0] ?? '' };
}
