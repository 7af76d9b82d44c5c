import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';

/** Whether this machine lets us listen on the port, on every address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A free port from `first` on. */
export async function freePortFrom(first: number): Promise<number> {
  for (let port = first; port < first + 1_000; port++) {
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no port from ${first} to ${first + 999} is free`);
}

/** Who listens on a port, for people: `nginx (process 123)`. Undefined when it cannot be told. */
export function holderOfPort(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!hasSocket(pid, inodes)) continue;
    return `${commandOf(pid)} (process ${pid})`;
  }
  return undefined;
}

/** The command line, shortened: the name alone says nothing of an interpreter. */
function commandOf(pid: string): string {
  const [program = '', ...args] = readText(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  const text = [basename(program), ...args].join(' ');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function listeningInodes(table: string, port: number): string[] {
  const LISTEN = '0A';
  return readText(table)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
    .map((fields) => `socket:[${fields[9]}]`);
}

function hasSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
