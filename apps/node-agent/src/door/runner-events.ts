import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where its web functions are reached; `web` is a function that is no method. */
export interface RunnerReady {
  readonly event: 'ready';
  readonly at: number;
  /** File names of sockets. */
  readonly sockets: Readonly<Record<string, string>>;
  /** Ports of the user's own servers. */
  readonly ports: Readonly<Record<string, number>>;
}

/** What the runner tells of itself. */
export type RunnerEvent =
  | { readonly event: 'phase'; readonly name: string; readonly at: number }
  | RunnerReady
  | { readonly event: 'failed'; readonly at: number; readonly message: string };

/** Listens on `events.sock` in the folder for JSON lines; what is not one is ignored, since user code can write there too. */
export async function serveRunnerEvents(dir: string, onEvent: (event: RunnerEvent) => void): Promise<AsyncDisposable> {
  const path = join(dir, 'events.sock');
  await rm(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      const event = parseEvent(line);
      if (event) onEvent(event);
    });
  });
  server.maxConnections = 8;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o666);
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

export function parseEvent(line: string): RunnerEvent | undefined {
  if (line.length > 64 * 1024) return undefined;
  try {
    const value = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    if (typeof value?.['at'] !== 'number') return undefined;
    const at = value['at'];
    if (value['event'] === 'phase' && typeof value['name'] === 'string')
      return { event: 'phase', name: value['name'], at };
    if (value['event'] === 'failed') return { event: 'failed', at, message: String(value['message'] ?? '') };
    if (value['event'] !== 'ready') return undefined;
    return { event: 'ready', at, sockets: socketsOf(value['sockets']), ports: portsOf(value['ports']) };
  } catch {
    return undefined;
  }
}

function socketsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const safe = Object.entries(value).filter(([, file]) => typeof file === 'string' && isSocketName(file));
  return Object.fromEntries(safe) as Record<string, string>;
}

function portsOf(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null) return {};
  const safe = Object.entries(value).filter(
    ([, port]) => Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536,
  );
  return Object.fromEntries(safe) as Record<string, number>;
}

/** A plain name: nothing that leads out of the container's own folder. */
function isSocketName(file: string): boolean {
  return /^[A-Za-z0-9_]+\.sock$/.test(file);
}
