import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, type Platform, startPlatform } from '@portico/testing';
import { median, print, printBudgets, printJson, printTable, quantile, round } from '../figures.ts';
import { type Growth, watchServices } from './growth.ts';
import { deployedApp, kinds, type SoakedApp } from './soaked-app.ts';
import { type Counts, startTraffic } from './traffic.ts';

/** A change begins no sooner than this after the one before. */
const CHANGE_EVERY_MS = 3_000;

export interface SoakOptions {
  readonly seconds: number;
  /** Requests, over all apps. */
  readonly perSecond: number;
}

/** Five apps under load that are redeployed, rescaled, stopped and started all the time. */
export async function soak({ seconds, perSecond }: SoakOptions): Promise<boolean> {
  await using platform = await startPlatform({ PORTICO_RATE_PER_SECOND: '1000000', PORTICO_RATE_BURST: '1000000' });
  const watch = await watchServices(platform);
  const apps: SoakedApp[] = [];
  for (const kind of kinds) apps.push(await deployedApp(platform, kind));
  for (const app of apps) await eventually(`${app.host} answers`, () => answers(platform, app), { withinMs: 60_000 });
  const traffic = startTraffic(platform.httpPort, apps, perSecond);
  const changes = await changeUntil(performance.now() + seconds * 1_000, apps);
  await traffic.stop();
  const { counts } = traffic;
  for (const app of apps) await app.stop();
  const left = await containersLeft(platform);
  const growth = watch.end();
  tell(counts, changes, growth);
  const failures = [...counts.failed.values()].reduce((sum, count) => sum + count, 0);
  const isGood = printBudgets([
    { what: 'requests that failed and should not', figure: failures, most: 0, unit: '' },
    { what: 'containers left when all apps are stopped', figure: left, most: 0, unit: '' },
    ...growth.flatMap(({ service, descriptorsBefore, descriptorsAfter, earlyMiB, lateMiB }) => [
      { what: `${service}: more descriptors`, figure: descriptorsAfter - descriptorsBefore, most: 24, unit: '' },
      { what: `${service}: more memory`, figure: lateMiB - earlyMiB, most: 64, unit: 'MiB' },
    ]),
  ]);
  printJson({
    bench: 'soak',
    seconds,
    perSecond,
    good: counts.good,
    stopped: counts.stopped,
    heldBack: counts.heldBack,
    failures,
    changes,
    left,
    growth,
  });
  return isGood;
}

function answers({ httpPort }: Platform, { host }: SoakedApp): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: httpPort, headers: { host }, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    sent.once('error', reject);
    sent.end();
  });
}

type Changes = Record<'redeploys' | 'rescales' | 'stops' | 'starts', number>;

/** One round: what is done, and to which app, counted from the first one of the round. */
const ROUND = [
  { change: 'redeploys', offset: 0 },
  { change: 'rescales', offset: 1 },
  { change: 'stops', offset: 2 },
  { change: 'redeploys', offset: 3 },
  { change: 'starts', offset: 2 },
] as const;

async function changeUntil(end: number, apps: readonly SoakedApp[]): Promise<Changes> {
  const changes: Changes = { redeploys: 0, rescales: 0, stops: 0, starts: 0 };
  for (let turn = 0; performance.now() < end; turn++) {
    const next = performance.now() + CHANGE_EVERY_MS;
    const { change, offset } = ROUND[turn % ROUND.length] ?? ROUND[0];
    const app = apps[(Math.floor(turn / ROUND.length) + offset) % apps.length];
    if (!app) break;
    changes[change] += 1;
    await { redeploys: app.redeploy, rescales: app.rescale, stops: app.stop, starts: app.redeploy }[change]();
    await pause(Math.max(0, Math.min(next, end) - performance.now()));
  }
  for (const app of apps.filter(({ phase }) => phase === 'stopped')) {
    changes.starts += 1;
    await app.redeploy();
  }
  return changes;
}

/** How many there still are when they have had the time to go. */
async function containersLeft(platform: Platform): Promise<number> {
  const running = async (): Promise<number> => {
    const { output } = await platform.portico('status', '--json');
    const { containers } = JSON.parse(output) as { containers: { state: string }[] };
    return containers.filter(({ state }) => state !== 'exited').length;
  };
  await eventually('all containers are gone', async () => (await running()) === 0, { withinMs: 30_000 }).catch(
    () => undefined,
  );
  return running();
}

function tell(
  { good, stopped, heldBack, failed, latenciesMs }: Counts,
  changes: Changes,
  growth: readonly Growth[],
): void {
  print(`${good} requests were answered, ${stopped} were told that their app is stopped; ${JSON.stringify(changes)}`);
  if (heldBack > 0) print(`${heldBack} requests were not sent: this machine is too small for the rate`);
  print(`latency: p50 ${round(median(latenciesMs))} ms, p99 ${round(quantile(latenciesMs, 0.99))} ms`);
  for (const [why, count] of failed) print(`${count} × ${why}`);
  print('');
  printTable([
    ['service', 'MiB early', 'MiB late', 'descriptors before', 'after'],
    ...growth.map(({ service, earlyMiB, lateMiB, descriptorsBefore, descriptorsAfter }) => [
      service,
      round(earlyMiB),
      round(lateMiB),
      String(descriptorsBefore),
      String(descriptorsAfter),
    ]),
  ]);
}
