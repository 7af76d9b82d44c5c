import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames } from '@portico/contracts';
import { holderOfPort, isPortFree } from './adapters/ports.ts';
import type { Config } from './config.ts';
import { bundleOf } from './make-plan.ts';
import { UserError } from './user-error.ts';

/** The longest path of a unix socket below the home; the kernel allows 107 bytes. */
const LONGEST_SOCKET = 'c/ta-01ARZ3NDEKTSV4RRFFQ69G5FAV/some_method.sock';
const SUN_PATH_MAX = 107;

/** The public ports with the settings that change them. */
export function publicPorts(config: Config): { port: number; variable: string; purpose: string }[] {
  return [
    { port: config.httpPort, variable: 'PORTICO_HTTP_PORT', purpose: 'public requests' },
    ...(config.httpsPort === undefined
      ? []
      : [{ port: config.httpsPort, variable: 'PORTICO_HTTPS_PORT', purpose: 'public requests under TLS' }]),
    { port: config.sdkPort, variable: 'PORTICO_SDK_PORT', purpose: 'the modal client' },
    { port: config.apiPort, variable: 'PORTICO_API_PORT', purpose: 'uploads and downloads' },
  ];
}

/** How many bytes the home's path is too long; 0 when it fits. */
export function homeExcess(home: string): number {
  return Math.max(0, Buffer.byteLength(join(home, LONGEST_SOCKET)) - SUN_PATH_MAX);
}

/** One sentence on a port that somebody else holds; undefined when it is free. */
export async function portProblem({ port, variable, purpose }: ReturnType<typeof publicPorts>[number]) {
  if (await isPortFree(port)) return undefined;
  const holder = holderOfPort(port);
  return `Port ${port} (${purpose}) is taken${holder ? ` by ${holder}` : ''}: stop that, or set ${variable} to a free port.`;
}

/** Throws with one sentence if a start cannot work. */
export async function checkStart(config: Config): Promise<void> {
  const excess = homeExcess(config.home);
  if (!config.home.startsWith('/') || excess > 0) {
    throw new UserError(
      `PORTICO_HOME must be an absolute path${excess ? ` at least ${excess} bytes shorter than ${config.home}` : ''}.`,
    );
  }
  const ports = publicPorts(config);
  if (new Set(ports.map(({ port }) => port)).size < ports.length) {
    throw new UserError(
      `${ports.map(({ variable }) => variable).join(', ')} must be ${ports.length === 3 ? 'three' : 'four'} different ports.`,
    );
  }
  for (const port of ports) {
    const problem = await portProblem(port);
    if (problem) throw new UserError(problem);
  }
}

/** Throws if a service has not been built. */
export async function checkBundles(config: Config): Promise<void> {
  for (const name of serviceNames) {
    await access(bundleOf(config, name)).catch(() => {
      throw new UserError(`The service ${name} is not built: run ./portico setup.`);
    });
  }
}
