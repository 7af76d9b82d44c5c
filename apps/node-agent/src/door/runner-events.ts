import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What the runner tells of itself. */
export type RunnerEvent =
  | { readonly event: 'phase'; readonly name: string; readonly at: number }
  | {
      readonly event: 'ready';
      readonly at: number;
      readonly sockets: Readonly<Record<string, string>>;
      readonly port: number | null;
    }
  | { readonly event: 'failed'; readonly at: number; readonly message: string };

/** Listens on `<dir>/events.sock` for JSON lines; what is not one is ignored, since user code can write there too. */
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

function parseEvent(line: string): RunnerEvent | undefined {
  if (line.length > 64 * 1024) return undefined;
  try {
    const value = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    if (typeof value?.['at'] !== 'number') return undefined;
    const at = value['at'];
    if (value['event'] === 'phase' && typeof value['name'] === 'string')
      return { event: 'phase', name: value['name'], at };
    if (value['event'] === 'failed') return { event: 'failed', at, message: String(value['message'] ?? '') };
    if (value['event'] !== 'ready') return undefined;
    const port = typeof value['port'] === 'number' ? value['port'] : null;
    return { event: 'ready', at, port, sockets: socketsOf(value['sockets']) };
  } catch {
    return undefined;
  }
}

function socketsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const safe = Object.entries(value).filter(
    ([, file]) => typeof file === 'string' && /^[A-Za-z0-9_]+\.sock$/.test(file),
  );
  return Object.fromEntries(safe) as Record<string, string>;
}
