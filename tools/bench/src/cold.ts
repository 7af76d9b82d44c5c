import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  eventually,
  type OtlpReceiver,
  otlpReceiver,
  type Platform,
  type ReceivedSpan,
  repository,
  startPlatform,
} from '@portico/testing';
import { median, print, printBudgets, printJson, printTable, quantile, round } from './figures.ts';
import { measureIdle } from './idle.ts';

const REQUESTS = 10;
/** What the user's Python costs; all else is the platform's. */
const OF_PYTHON = ['container.python', 'container.imports', 'container.code', 'container.startup'];
const PHASES = ['autoscaler.place', 'node-agent.prepare', ...OF_PYTHON, 'container.ready'];

/** From the request to its first 200, starting at zero containers; and what the platform needs when nothing happens. */
export async function measureCold(): Promise<boolean> {
  await using receiver = await otlpReceiver();
  await using platform = await startPlatform(receiver.environment);
  const deployed = await platform.modal('deploy', join(repository, 'tools/bench/apps/measured.py'));
  if (deployed.exitCode !== 0) throw new Error(deployed.output);
  // The first start fills the page cache, as all later ones find it.
  await coldRequest(platform, receiver);
  const runs: ColdRun[] = [];
  for (let i = 0; i < REQUESTS; i++) runs.push(await coldRequest(platform, receiver));
  printTable([
    ['phase', 'p50 ms', 'p90 ms'],
    ...PHASES.map((name) => rowOf(name, runs, (run) => run.phases.get(name) ?? 0)),
    rowOf('all of it', runs, ({ totalMs }) => totalMs),
    rowOf('without Python', runs, ({ platformMs }) => platformMs),
  ]);
  const totalMs = median(runs.map((run) => run.totalMs));
  const platformMs = median(runs.map((run) => run.platformMs));
  print('');
  const idle = await measureIdle();
  const isGood = printBudgets([
    { what: 'cold start, p50', figure: totalMs, most: 1_800, unit: 'ms' },
    { what: "the platform's share, p50", figure: platformMs, most: 250, unit: 'ms' },
    { what: 'memory of the idle platform', figure: idle.residentMiB, most: 700, unit: 'MiB' },
    { what: 'processor of the idle platform', figure: idle.corePercent, most: 2, unit: '% of a core' },
  ]);
  const phases = Object.fromEntries(PHASES.map((name) => [name, median(runs.map((run) => run.phases.get(name) ?? 0))]));
  printJson({ bench: 'cold', totalMs, platformMs, phases, idle });
  return isGood;
}

interface ColdRun {
  readonly totalMs: number;
  readonly platformMs: number;
  readonly phases: ReadonlyMap<string, number>;
}

function rowOf(name: string, runs: readonly ColdRun[], of: (run: ColdRun) => number): string[] {
  const samples = runs.map(of);
  return [name, round(median(samples)), round(quantile(samples, 0.9))];
}

async function coldRequest(platform: Platform, receiver: OtlpReceiver): Promise<ColdRun> {
  await eventually('no container of the endpoint is left', () => hasNone(platform), { withinMs: 60_000 });
  const traceId = randomBytes(16).toString('hex');
  const begin = performance.now();
  await get(platform, `00-${traceId}-${randomBytes(8).toString('hex')}-01`);
  const totalMs = performance.now() - begin;
  const spans = await eventually('the trace is whole', () => {
    const found = receiver.spans.filter((span) => span.traceId === traceId);
    return found.some(({ name }) => name === 'GET') && found.some(({ name }) => name === 'container.ready') && found;
  });
  const phases = new Map(PHASES.map((name) => [name, lengthOf(spans, name)]));
  const ofPython = OF_PYTHON.reduce((sum, name) => sum + (phases.get(name) ?? 0), 0);
  return { totalMs, platformMs: totalMs - ofPython, phases };
}

function lengthOf(spans: readonly ReceivedSpan[], name: string): number {
  return spans.filter((span) => span.name === name).reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
}

async function hasNone(platform: Platform): Promise<boolean> {
  const { containers } = JSON.parse((await platform.portico('status', '--json')).output) as {
    containers: { function: string; state: string }[];
  };
  return !containers.some((container) => container.function === 'endpoint' && container.state !== 'exited');
}

function get({ httpPort }: Platform, traceparent: string): Promise<void> {
  const headers = { host: 'local--measured-endpoint.localhost', traceparent };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: httpPort, headers, agent: false }, (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`the answer was ${response.statusCode}`)),
      );
    });
    sent.once('error', reject);
    sent.end();
  });
}
