import { once } from 'node:events';
import { connect, type NetConnectOpts } from 'node:net';

export interface LoadOptions {
  readonly endpoint: NetConnectOpts;
  readonly host: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
  readonly failures: number;
}

/** Requests one after the other on each of some kept connections, for some seconds. */
export async function runLoad({ endpoint, host, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  let failures = 0;
  const request = Buffer.from(`GET / HTTP/1.1\r\nhost: ${host}\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`);
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  const run = async (): Promise<void> => {
    const socket = connect(endpoint);
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let sentAt = performance.now();
    let held = '';
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the other side has closed')));
    socket.on('data', (data) => {
      held += data.toString('latin1');
      const length = lengthOf(held);
      if (length === undefined || held.length < length) return;
      const now = performance.now();
      latenciesMs.push(now - sentAt);
      if (!held.startsWith('HTTP/1.1 200')) failures += 1;
      held = held.slice(length);
      if (now >= end) return resolve();
      sentAt = now;
      socket.write(request);
    });
    socket.write(request);
    await promise;
    socket.removeAllListeners('close');
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, run));
  return { perSecond: latenciesMs.length / ((performance.now() - begin) / 1_000), latenciesMs, failures };
}

/** Of the first answer in the text, head included; undefined while its head is not whole. */
function lengthOf(text: string): number | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = /content-length: (\d+)/i.exec(text.slice(0, head));
  return head + 4 + Number(length?.[1] ?? 0);
}
