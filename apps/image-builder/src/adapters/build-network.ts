import { writeFile } from 'node:fs/promises';
import { DomainError } from '@portico/errors';
import { mustRun, runCommand } from './command.ts';

/** The network of RUN steps: it leads to the internet, but not to this machine or its containers. */
export interface BuildNetwork extends AsyncDisposable {
  /** What buildah takes as --network. Made at the first build. */
  argument(): Promise<string>;
}

/** RUN steps share the machine's own network. */
export function createHostNetwork(): BuildNetwork {
  return { argument: async () => 'host', [Symbol.asyncDispose]: async () => {} };
}

/** `instance` is a short name that no other instance on this machine has. */
export function createIsolatedNetwork(instance: string): BuildNetwork {
  let made: Promise<string> | undefined;
  return {
    argument() {
      made ??= make(instance).catch((error: unknown) => {
        made = undefined;
        throw new DomainError(
          'failed-precondition',
          'image.no_network',
          'No network could be made for the build; the log of image-builder has the cause. PORTICO_BUILD_NETWORK=host builds without one.',
          { cause: error },
        );
      });
      return made;
    },
    async [Symbol.asyncDispose]() {
      if (made) await removeIsolatedNetwork(instance);
    },
  };
}

const linkOf = (instance: string): string => `pb${instance}`;
const tableOf = (instance: string): string => `portico_build_${instance}`;

async function make(instance: string): Promise<string> {
  await removeIsolatedNetwork(instance);
  const prefix = await freeNetwork(instance);
  const [link, name] = [linkOf(instance), linkOf(instance)];
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await mustRun('ip', ['netns', 'add', name]);
  await mustRun('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  await mustRun('ip', ['addr', 'add', `${prefix}.1/30`, 'dev', link]);
  await mustRun('ip', ['link', 'set', link, 'up']);
  await mustRun('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  await mustRun('ip', ['-n', name, 'addr', 'add', `${prefix}.2/30`, 'dev', 'eth0']);
  await mustRun('ip', ['-n', name, 'link', 'set', 'eth0', 'up']);
  await mustRun('ip', ['-n', name, 'route', 'add', 'default', 'via', `${prefix}.1`]);
  await mustRun('nft', [rulesOf(instance, prefix)]);
  return `ns:/var/run/netns/${name}`;
}

function rulesOf(instance: string, prefix: string): string {
  const link = linkOf(instance);
  return `table inet ${tableOf(instance)} {
    chain input {
      type filter hook input priority -10; policy accept;
      iifname "${link}" ct state established,related accept
      iifname "${link}" drop
    }
    chain forward {
      type filter hook forward priority -10; policy accept;
      iifname "${link}" oifname { "po*", "pb*" } drop
      iifname "${link}" ip daddr 169.254.0.0/16 drop
    }
    chain postrouting {
      type nat hook postrouting priority 100; policy accept;
      ip saddr ${prefix}.0/30 oifname != "${link}" masquerade
    }
  }`;
}

/** Also clears what a killed process left. */
export async function removeIsolatedNetwork(instance: string): Promise<void> {
  await runCommand('nft', ['delete', 'table', 'inet', tableOf(instance)]);
  await runCommand('ip', ['link', 'del', linkOf(instance)]);
  await runCommand('ip', ['netns', 'del', linkOf(instance)]);
}

/** The first three numbers of a network that no interface of this machine is in. */
async function freeNetwork(instance: string): Promise<string> {
  const taken = await mustRun('ip', ['-4', '-oneline', 'addr']);
  const start = Number.parseInt(instance.slice(0, 4), 16) || 0;
  for (let step = 0; step < 256; step += 1) {
    const prefix = `100.127.${(start + step) % 256}`;
    if (!taken.includes(` ${prefix}.`)) return prefix;
  }
  throw new Error('Every network from 100.127.0.0 to 100.127.255.0 is in use');
}
