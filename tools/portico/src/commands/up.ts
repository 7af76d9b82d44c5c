import { once } from 'node:events';
import process from 'node:process';
import { setInterval } from 'node:timers/promises';
import { registerInstance } from '../adapters/machine-cache.ts';
import { prepareNats } from '../adapters/nats-folder.ts';
import { awaitReady } from '../await-ready.ts';
import { checkBundles, checkStart } from '../check-start.ts';
import { readClientToken } from '../client-token.ts';
import type { Config } from '../config.ts';
import { sayHello } from '../hello.ts';
import { prepareHome, runningSupervisor, startSupervisor, stopSupervisor } from '../instance.ts';
import { logFileOf, makePlan } from '../make-plan.ts';
import { say, sayStep } from '../terminal.ts';
import { UserError } from '../user-error.ts';
import { down } from './down.ts';

const SUPERVISOR_CHECK_MS = 500;

export interface UpOptions {
  /** Stay, and take everything down on Ctrl-C. */
  readonly isForeground: boolean;
  readonly hasHello: boolean;
}

/** Starts the platform if it does not run, waits until it is ready and shows that it works. */
export async function up(config: Config, { isForeground, hasHello }: UpOptions): Promise<void> {
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  if (!isForeground) void stopped.then(() => process.exit(130));
  await start(config);
  await readClientToken(config.home);
  if (hasHello) {
    const { url, answer } = await sayHello(config, sayStep);
    say(`\n  ${url}\n  ${answer.body.trim()}\n`);
  }
  sayNext(config);
  if (!isForeground) return;
  say('\nPortico runs; Ctrl-C takes it down.');
  await Promise.race([stopped, supervisorGone(config.home)]);
  await down(config, { isPurge: false });
}

/** Fails when the supervisor has ended by itself; until then it keeps this process alive. */
async function supervisorGone(home: string): Promise<never> {
  for await (const _ of setInterval(SUPERVISOR_CHECK_MS)) {
    if (!runningSupervisor(home)) break;
  }
  throw new UserError(
    `The supervisor has ended; ${logFileOf(home, 'supervisor')} may say why. ./portico up starts again.`,
  );
}

async function start(config: Config): Promise<void> {
  await checkBundles(config);
  const running = runningSupervisor(config.home);
  if (!running) {
    // A supervisor that was killed has left its services behind, with their ports.
    await stopSupervisor(config);
    await checkStart(config);
  }
  await prepareHome(config.home);
  await registerInstance(config.cache, config.home);
  const plan = makePlan(config, await prepareNats(config.home, running !== undefined));
  if (running?.fingerprint === plan.fingerprint) return awaitReady(config, { isQuiet: true });
  if (running) {
    sayStep('settings or code have changed: restarting the services (containers go on)');
    await stopSupervisor(config);
    await checkStart(config);
  }
  say(`Starting Portico in ${config.home}`);
  await startSupervisor(config, plan);
  await awaitReady(config, { isQuiet: false });
}

function sayNext({ root, sdkPort, httpPort, baseDomain, home }: Config): void {
  const command = process.cwd() === root ? './portico' : `${root}/portico`;
  say(`Portico is up. Requests: http://*.${baseDomain}:${httpPort}  Client: http://127.0.0.1:${sdkPort}  State: ${home}

Next:
  eval "$(${command} env)"     # point the modal client here
  modal deploy your_app.py     # pip install modal, or ${root}/.toolchain/client-venv/bin/modal
  ${command} status            # what runs
  ${command} logs -f           # what the services say
  ${command} down              # stop`);
}
