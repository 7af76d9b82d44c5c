import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

/** A network namespace with its own address, ready for one container. */
export interface Lease {
  readonly name: string;
  readonly path: string;
  readonly address: string;
}

/** The containers' network: a bridge that leads to the internet but to nothing else. */
export interface Network extends AsyncDisposable {
  /** A prepared namespace; `isBlocked` = without any way out. */
  acquire(isBlocked: boolean): Promise<Lease>;
  /** The namespace of a container that was started before this process. */
  adopt(name: string): Lease;
  release(lease: Lease): Promise<void>;
  /** Removes the namespaces of a process before us that nobody has adopted. */
  removeLeft(): Promise<void>;
}

export interface NetworkOptions {
  readonly instance: string;
  readonly home: string;
  readonly subnet: string | undefined;
}

const POOL_SIZE = 3;
const FIRST_HOST = 2;
const LAST_HOST = 254;

export const bridgeOf = (instance: string): string => `po${instance}`;
export const tableOf = (instance: string): string => `portico_${instance}`;
/** The end of a container's cable that the bridge has; names end at 15 characters. */
export const cablePrefixOf = (instance: string): string => `pv${instance}`;
export const namespacePrefixOf = (instance: string): string => `po${instance}-`;

export async function openNetwork({ instance, home, subnet }: NetworkOptions): Promise<Network> {
  const prefix = await subnetOf(home, subnet);
  const bridge = bridgeOf(instance);
  await setUp(instance, bridge, prefix);
  const left = new Set<number>(await hostsInUse(instance));
  const used = new Set<number>(left);
  let last = LAST_HOST;
  const ready: Promise<Lease>[] = [];
  const leaseOf = (host: number): Lease => {
    const name = `${namespacePrefixOf(instance)}${host}`;
    return { name, path: `/var/run/netns/${name}`, address: `${prefix}.${host}` };
  };
  const make = async (): Promise<Lease> => {
    const host = freeHost(used, last);
    last = host;
    used.add(host);
    const lease = leaseOf(host);
    await makeNamespace(lease, bridge, prefix, instance, host).catch(async (error: unknown) => {
      await release(lease);
      throw error;
    });
    return lease;
  };
  const refill = (): void => {
    while (ready.length < POOL_SIZE) {
      const lease = make();
      lease.catch(() => undefined);
      ready.push(lease);
    }
  };
  const release = async ({ name }: Lease): Promise<void> => {
    const host = hostOf(instance, name);
    // The namespace goes at some time after its name; its way out goes now.
    await run('ip', ['link', 'del', outsideOf(instance, host)]).catch(() => undefined);
    await run('ip', ['netns', 'del', name]).catch(() => undefined);
    used.delete(host);
  };
  refill();
  return {
    async acquire(isBlocked) {
      const lease = await (ready.shift() ?? make());
      setImmediate(refill);
      if (isBlocked) await run('ip', ['-n', lease.name, 'route', 'del', 'default']);
      return lease;
    },
    adopt(name) {
      const host = hostOf(instance, name);
      left.delete(host);
      used.add(host);
      return leaseOf(host);
    },
    release,
    async removeLeft() {
      await Promise.all([...left].map((host) => release(leaseOf(host))));
      left.clear();
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(ready.splice(0).map(async (lease) => release(await lease)));
    },
  };
}

/** The next free one after the last that was given, so that none is given again at once. */
function freeHost(used: ReadonlySet<number>, last: number): number {
  const count = LAST_HOST - FIRST_HOST + 1;
  for (let i = 1; i <= count; i++) {
    const host = FIRST_HOST + ((last - FIRST_HOST + i) % count);
    if (!used.has(host)) return host;
  }
  throw new Error(`All ${count} addresses of this node's network are in use`);
}

function hostOf(instance: string, name: string): number {
  return Number(name.slice(namespacePrefixOf(instance).length));
}

function outsideOf(instance: string, host: number): string {
  return `${cablePrefixOf(instance)}${host.toString(16)}`;
}

/** Namespaces that a process before us left: their containers may still run. */
async function hostsInUse(instance: string): Promise<number[]> {
  const prefix = namespacePrefixOf(instance);
  const names = (await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  return names.filter((name) => name.startsWith(prefix)).map((name) => hostOf(instance, name));
}

async function makeNamespace(
  lease: Lease,
  bridge: string,
  prefix: string,
  instance: string,
  host: number,
): Promise<void> {
  const outside = outsideOf(instance, host);
  await run('ip', ['netns', 'add', lease.name]);
  await run(
    'ip',
    ['-batch', '-'],
    [
      `link add ${outside} type veth peer name eth0 netns ${lease.name}`,
      `link set ${outside} master ${bridge} up`,
      `link set dev ${outside} type bridge_slave isolated on`,
    ].join('\n'),
  );
  await run(
    'ip',
    ['-n', lease.name, '-batch', '-'],
    [
      'link set lo up',
      `addr add ${lease.address}/24 dev eth0`,
      'link set eth0 up',
      `route add default via ${prefix}.1`,
    ].join('\n'),
  );
}

/** The bridge and the rules around it; doing it again changes nothing. */
async function setUp(instance: string, bridge: string, prefix: string): Promise<void> {
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await run('ip', ['link', 'add', bridge, 'type', 'bridge']).catch(() => undefined);
  await run('ip', ['addr', 'replace', `${prefix}.1/24`, 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
  const table = tableOf(instance);
  const subnet = `${prefix}.0/24`;
  await run(
    'nft',
    ['-f', '-'],
    `
table inet ${table}
delete table inet ${table}
table inet ${table} {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "${bridge}" ct state established,related accept
    iifname "${bridge}" drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "${bridge}" oifname "${bridge}" drop
    iifname "${bridge}" oifname "po*" drop
    iifname "${bridge}" ip daddr 169.254.0.0/16 drop
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
}
`,
  );
}

/** The first three numbers of the network: as set, as before, or one that no interface has. */
async function subnetOf(home: string, wanted: string | undefined): Promise<string> {
  if (wanted) return wanted;
  const file = join(home, 'subnet');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known) return known.trim();
  const routes = await run('ip', ['-4', 'addr']);
  for (let third = 16; third < 256; third++) {
    const prefix = `10.213.${third}`;
    if (routes.includes(`${prefix}.`)) continue;
    await writeFile(file, prefix);
    return prefix;
  }
  throw new Error('No free network among 10.213.16.0/24 to 10.213.255.0/24: set PORTICO_SUBNET');
}
