import type { NetConnectOpts } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Platform } from '@portico/testing';
import { type Conversation, openEcho, openHttp } from './conversations.ts';
import { print, printTable, round } from './figures.ts';
import { residentBytes } from './processes.ts';

const IDLE_CONNECTIONS = 10_000;
const OPEN_SOCKETS = 2_000;
/** Opened at the same time. */
const AT_ONCE = 100;
const SETTLE_MS = 3_000;

/** Memory of the router around many open connections, in MiB. */
export interface Many {
  readonly before: number;
  readonly open: number;
  readonly after: number;
}

/** What they need more while they are open. */
export function growthOf({ before, open }: Many): number {
  return open - before;
}

/** Connections that have asked once and are kept, then WebSockets that have said one thing. */
export async function measureMany(platform: Platform): Promise<{ idle: Many; sockets: Many }> {
  const endpoint: NetConnectOpts = { host: '127.0.0.1', port: platform.httpPort };
  const router = (await platform.processIds()).get('router') ?? 0;
  const around = async (count: number, open: () => Promise<Conversation>): Promise<Many> => {
    const before = await settled(router);
    const conversations: Conversation[] = [];
    for (let i = 0; i < count; i += AT_ONCE) conversations.push(...(await Promise.all(asked(open))));
    const whileOpen = await settled(router);
    for (const conversation of conversations) conversation[Symbol.dispose]();
    return { before, open: whileOpen, after: await settled(router) };
  };
  const idle = await around(IDLE_CONNECTIONS, () => openHttp(endpoint, 'local--measured-bare.localhost', '/'));
  const sockets = await around(OPEN_SOCKETS, () => openEcho(endpoint, 'local--measured-sockets.localhost'));
  print('\nmemory of the router, MiB');
  printTable([
    ['', 'before', 'open', 'after', 'KiB each'],
    rowOf(`${IDLE_CONNECTIONS} idle connections`, idle, IDLE_CONNECTIONS),
    rowOf(`${OPEN_SOCKETS} WebSockets`, sockets, OPEN_SOCKETS),
  ]);
  return { idle, sockets };
}

function asked(open: () => Promise<Conversation>): Promise<Conversation>[] {
  return Array.from({ length: AT_ONCE }, async () => {
    const conversation = await open();
    await conversation.ask();
    return conversation;
  });
}

async function settled(id: number): Promise<number> {
  await pause(SETTLE_MS);
  return residentBytes(id) / 1024 ** 2;
}

function rowOf(name: string, { before, open, after }: Many, count: number): string[] {
  return [name, ...[before, open, after, ((open - before) * 1024) / count].map(round)];
}
