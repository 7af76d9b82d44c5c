import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createSourceNames } from '../adapters/source-names.ts';
import type { Config } from '../config.ts';
import { parseLogLine, renderLogLine } from '../domain/log-line.ts';
import { say } from '../terminal.ts';
import { UserError } from '../user-error.ts';

export interface LogsOptions {
  /** Undefined = all. */
  readonly service: string | undefined;
  readonly isFollowing: boolean;
  /** As written, not made for reading. */
  readonly isRaw: boolean;
}

const SHOWN_LINES = 200;
const LOOK_MS = 200;

/** Prints the last lines of the services' logs in the order of their times, and with `isFollowing` what comes. */
export async function logs({ home }: Config, { service, isFollowing, isRaw }: LogsOptions): Promise<void> {
  const folder = join(home, 'logs');
  const names = await namesOf(folder, service);
  const inSources = createSourceNames();
  const print = (name: string, line: string): void =>
    say(isRaw ? line : inSources(renderLogLine(parseLogLine(line), name)));
  const tails = await Promise.all(names.map((name) => tailOf(folder, name)));
  const entries = tails.flatMap(({ name, lines }) => lines.map((line) => ({ name, line, time: timeOf(line) })));
  entries.sort((a, b) => a.time.localeCompare(b.time));
  for (const { name, line } of entries.slice(-SHOWN_LINES)) print(name, line);
  if (!isFollowing) return;
  await Promise.all(
    tails.map(({ name, end }) => follow(join(folder, `${name}.log`), end, (line) => print(name, line))),
  );
}

async function namesOf(folder: string, service: string | undefined): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  const names = files.filter((file) => file.endsWith('.log')).map((file) => file.slice(0, -'.log'.length));
  if (service === undefined) return names;
  if (names.includes(service)) return [service];
  throw new UserError(`There is no log of "${service}"; there are: ${names.join(', ') || 'none yet'}.`);
}

async function tailOf(folder: string, name: string): Promise<{ name: string; lines: string[]; end: number }> {
  const text = await readFile(join(folder, `${name}.log`), 'utf8');
  return { name, lines: text.split('\n').filter(Boolean).slice(-SHOWN_LINES), end: Buffer.byteLength(text) };
}

/** JSON lines carry ISO times; nats-server writes [pid] 2026/01/02 03:04:05.678901 [INF]. */
function timeOf(line: string): string {
  const plain = /(\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{3})/.exec(line);
  return plain ? `${plain[1]}-${plain[2]}-${plain[3]}T${plain[4]}` : parseLogLine(line).time;
}

async function follow(file: string, from: number, onLine: (line: string) => void): Promise<never> {
  let at = from;
  let rest = '';
  for (;;) {
    const { size } = await stat(file);
    // It was emptied by rotation.
    if (size < at) at = 0;
    if (size > at) {
      const lines = (rest + (await readRange(file, at, size))).split('\n');
      at = size;
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    }
    await pause(LOOK_MS);
  }
}

async function readRange(file: string, start: number, end: number): Promise<string> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
  return buffer.subarray(0, bytesRead).toString();
}
