import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { freemem, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { cgroupControllers, freeBytesAt, overlayProblem, registryProblem, whichCommand } from '../adapters/machine.ts';
import { homeExcess, portProblem, publicPorts } from '../check-start.ts';
import type { Config } from '../config.ts';
import { runningSupervisor } from '../instance.ts';
import { say, sizeText } from '../terminal.ts';

/** What one check found. `wrong` stops Portico from working, `note` does not. */
export interface Finding {
  readonly verdict: 'good' | 'note' | 'wrong';
  readonly subject: string;
  /** What is so, and if it is not good, what to do. */
  readonly text: string;
}

const KERNEL_MIN = [5, 10] as const;
const DISK_MIN_BYTES = 5 * 1024 ** 3;
const MEMORY_MIN_BYTES = 1.5 * 1024 ** 3;
const TOOLS = ['runc', 'buildah', 'conmon', 'nft', 'ip', 'mmdebstrap', 'mount', 'python3', 'git'];
const REGISTRIES = [
  { name: 'npm', url: 'https://registry.npmjs.org/', use: 'installing Portico' },
  { name: 'PyPI', url: 'https://pypi.org/simple/modal/', use: 'installing the client and building images' },
  { name: 'Debian', url: 'https://deb.debian.org/debian/', use: 'installing packages' },
  {
    name: 'Docker Hub',
    url: 'https://registry-1.docker.io/v2/',
    use: 'base images (without it a local Debian stands in)',
  },
];

/** Checks this machine and says what to do. The answer is the exit code: 1 if something is wrong. */
export async function doctor(config: Config): Promise<number> {
  const findings = [
    kernel(),
    overlay(),
    cgroups(),
    ...TOOLS.map(tool),
    home(config),
    disk(config),
    memory(),
    ...(await ports(config)),
    installed(config),
    // What asks the network asks at the same time: without one each waits for long.
    ...(await Promise.all([names(config), ...REGISTRIES.map(registry)])),
  ];
  const marks = { good: 'ok   ', note: 'note ', wrong: 'WRONG' };
  for (const { verdict, subject, text } of findings) say(`${marks[verdict]}  ${subject.padEnd(12)} ${text}`);
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong').length;
  say(
    wrong === 0
      ? '\nThis machine can run Portico.'
      : `\n${wrong} thing${wrong > 1 ? 's' : ''} to mend before ./portico up can work.`,
  );
  return wrong === 0 ? 0 : 1;
}

const good = (subject: string, text: string): Finding => ({ verdict: 'good', subject, text });
const note = (subject: string, text: string): Finding => ({ verdict: 'note', subject, text });
const wrong = (subject: string, text: string): Finding => ({ verdict: 'wrong', subject, text });

function kernel(): Finding {
  const [major = 0, minor = 0] = release()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const isNew = major > KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor >= KERNEL_MIN[1]);
  return isNew
    ? good('kernel', release())
    : wrong('kernel', `${release()} is older than ${KERNEL_MIN.join('.')}: upgrade it.`);
}

function overlay(): Finding {
  const problem = overlayProblem();
  return problem
    ? wrong('overlay', `${problem}. Load the kernel module overlay; root is needed.`)
    : good('overlay', 'can be mounted');
}

function cgroups(): Finding {
  const { version, controllers } = cgroupControllers();
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name));
  if (missing.length === 0) return good('cgroups', `version ${version} with cpu, memory and pids`);
  return wrong(
    'cgroups',
    `the controllers ${missing.join(', ')} are missing: enable them on the kernel's command line.`,
  );
}

function tool(name: string): Finding {
  const path = whichCommand(name);
  return path
    ? good(name, path)
    : wrong(name, './portico up installs it where apt-get exists; else install it by hand.');
}

function home({ home: path }: Config): Finding {
  const excess = homeExcess(path);
  return excess
    ? wrong('home', `${path} is ${excess} bytes too long for unix sockets: choose a shorter PORTICO_HOME.`)
    : good('home', path);
}

function disk({ home: path }: Config): Finding {
  const free = freeBytesAt(path);
  const text = `${sizeText(free)} free for ${path}`;
  return free < DISK_MIN_BYTES
    ? wrong('disk', `${text}: images need at least ${sizeText(DISK_MIN_BYTES)}.`)
    : good('disk', text);
}

function memory(): Finding {
  const text = `${sizeText(freemem())} of ${sizeText(totalmem())} free`;
  return totalmem() < MEMORY_MIN_BYTES
    ? note('memory', `${text}: little; Portico itself takes about 0.7 GiB.`)
    : good('memory', text);
}

async function ports(config: Config): Promise<Finding[]> {
  if (runningSupervisor(config.home)) return [good('ports', 'held by this instance, which is running')];
  const findings = publicPorts(config).map(async (port) => {
    const problem = await portProblem(port);
    return problem ? wrong('port', problem) : good('port', `${port.port} is free (${port.purpose})`);
  });
  return Promise.all(findings);
}

function installed({ root }: Config): Finding {
  const missing = ['bin/nats-server', 'client-venv/bin/python'].filter(
    (path) => !existsSync(join(root, '.toolchain', path)),
  );
  if (missing.length === 0) return good('installed', `in ${join(root, '.toolchain')}`);
  return note('installed', `${missing.join(' and ')} not yet: ./portico up brings it.`);
}

/** Whether programs on this machine find the URLs. curl and browsers know names under localhost by themselves. */
async function names({ baseDomain, workspace }: Config): Promise<Finding> {
  const host = `${workspace}--hello-hello.${baseDomain}`;
  try {
    const { address } = await lookup(host);
    return good('names', `${host} is ${address}`);
  } catch {
    const isLocal = baseDomain === 'localhost' || baseDomain.endsWith('.localhost');
    const remedy = isLocal
      ? 'curl and browsers reach it all the same; for other programs: apt-get install libnss-myhostname.'
      : `point *.${baseDomain} at this machine in your DNS.`;
    return note('names', `${host} is not known here: ${remedy}`);
  }
}

async function registry({ name, url, use }: (typeof REGISTRIES)[number]): Promise<Finding> {
  const problem = await registryProblem(url);
  return problem
    ? note(name, `${url} cannot be reached (${problem}); it is needed for ${use}.`)
    : good(name, `${url} answers`);
}
