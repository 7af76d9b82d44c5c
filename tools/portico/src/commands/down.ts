import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames } from '@portico/contracts';
import { removeUnusedCache } from '../adapters/machine-cache.ts';
import { unmountBelow } from '../adapters/mounts.ts';
import type { Config } from '../config.ts';
import { readState, stopSupervisor } from '../instance.ts';
import { bundleOf, logFileOf, serviceEnvironment } from '../make-plan.ts';
import { say, sayStep } from '../terminal.ts';
import { UserError } from '../user-error.ts';

/** Stops the services and removes the containers; with `isPurge`, also everything the instance has kept. */
export async function down(config: Config, { isPurge }: { isPurge: boolean }): Promise<void> {
  if (!existsSync(config.home)) return say(`Nothing to stop: ${config.home} does not exist.`);
  // Whatever the setting says, only a folder that `up` has made is touched.
  if (!existsSync(join(config.home, 'nats', 'port'))) {
    throw new UserError(`${config.home} does not look like a Portico home; nothing was touched.`);
  }
  if (readState(config.home)) {
    sayStep('stopping the services');
    await stopSupervisor(config);
  }
  sayStep('removing the containers');
  await removeContainers(config);
  unmountBelow(config.home);
  await rm(join(config.home, 'run', 'supervisor.json'), { force: true });
  if (isPurge) {
    sayStep(`deleting ${config.home}`);
    await rm(config.home, { recursive: true, force: true, maxRetries: 5 });
    await removeUnusedCache(config.cache, config.home);
  }
  say(
    isPurge
      ? 'Portico is down and its state is deleted.'
      : 'Portico is down; ./portico up brings it back with its apps.',
  );
}

/** Services that make things outside the home bring a program that takes them away. */
async function removeContainers(config: Config): Promise<void> {
  const port = Number(await readFile(join(config.home, 'nats', 'port'), 'utf8').catch(() => '4222'));
  const logFile = existsSync(join(config.home, 'logs')) ? logFileOf(config.home, 'cleanup') : '/dev/null';
  const log = openSync(logFile, 'a', 0o600);
  for (const name of serviceNames) {
    const program = bundleOf(config, name, 'cleanup-main');
    if (!existsSync(program)) continue;
    const env = serviceEnvironment(name, config, { port });
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', log, log] });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0)
      throw new UserError(`What ${name} has made on this machine could not be removed; ${logFile} says why.`);
  }
  closeSync(log);
}
