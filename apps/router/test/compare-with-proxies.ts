// What nginx and haproxy make of tampered requests that the router takes: nx run router:compare [cases] [seed]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { eventually } from '@portico/testing';
import { mutated, ours, randoms } from './tampered-requests.ts';

const CASES = Number(process.argv[2] ?? 20_000);
const SEED = Number(process.argv[3] ?? 7_919);
const AT_ONCE = 16;
const ANSWER_MS = 5_000;
const SHOWN = 20;

interface Proxy {
  readonly name: string;
  readonly path: string;
  readonly args: (folder: string) => string[];
  readonly config: (port: number, backendPort: number) => string;
}

const proxies: readonly Proxy[] = [
  {
    name: 'nginx',
    path: '/usr/sbin/nginx',
    args: (folder) => ['-p', folder, '-c', join(folder, 'config'), '-g', 'daemon off;'],
    config: (port, backendPort) => `
worker_processes 1;
user root;
pid nginx.pid;
error_log error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${backendPort}; proxy_http_version 1.1; }
  }
}
`,
  },
  {
    name: 'haproxy',
    path: '/usr/sbin/haproxy',
    args: (folder) => ['-db', '-f', join(folder, 'config')],
    config: (port, backendPort) => `
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend all
  bind 127.0.0.1:${port}
  default_backend one
backend one
  server one 127.0.0.1:${backendPort}
`,
  },
];

/** Answers whatever it gets, once each connection: what is refused is refused by the proxy before it. */
async function openBackend(opened: AsyncDisposableStack): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'));
  });
  opened.use(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function startProxy(opened: AsyncDisposableStack, proxy: Proxy, backendPort: number): Promise<number> {
  if (!existsSync(proxy.path)) throw new Error(`${proxy.path} is missing: apt-get install nginx-light haproxy`);
  const folder = await mkdtemp(join(tmpdir(), 'compare-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  await writeFile(join(folder, 'config'), proxy.config(port, backendPort));
  const child: ChildProcess = spawn(proxy.path, proxy.args(folder), { stdio: 'ignore' });
  opened.defer(async () => {
    child.kill();
    await once(child, 'exit');
  });
  await eventually(`${proxy.name} listens`, () => accepts(port));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() && true)).once('error', () => resolve(false));
  });
}

/** The status of the first answer; 0 when the connection ends, or time passes, without one. */
function statusOf(port: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: ANSWER_MS });
    const end = (status: number): void => {
      socket.destroy();
      resolve(status);
    };
    socket.write(bytes);
    socket
      .once('data', (data: Buffer) => end(Number(/^HTTP\/1\.[01] (\d{3})/.exec(data.toString('latin1'))?.[1] ?? 0)))
      .once('error', () => end(0))
      .once('end', () => end(0))
      .once('timeout', () => end(0));
  });
}

function takenCases(): Buffer[] {
  const random = randoms(SEED);
  const texts = new Set<string>();
  for (let i = 0; i < CASES; i++) {
    const bytes = Buffer.from(mutated(random), 'latin1');
    const reading = ours(bytes);
    if (reading.kind === 'request') texts.add(bytes.subarray(0, reading.length).toString('latin1'));
  }
  return [...texts].map((text) => Buffer.from(text, 'latin1'));
}

/** nginx knows methods of capital letters only, and no target that is an asterisk; both are fine (RFC 9110, RFC 9112). */
const HARMLESS = [/^(?![A-Z_-]+ )/, /^OPTIONS \* /];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** How many of the requests a proxy refuses without harm, and which for a reason that matters. */
async function compare(port: number, cases: readonly Buffer[]): Promise<{ harmless: number; serious: string[] }> {
  const left = [...cases];
  const refused: string[] = [];
  const work = async (): Promise<void> => {
    for (let bytes = left.pop(); bytes; bytes = left.pop())
      if ((await statusOf(port, bytes)) !== 200) refused.push(bytes.toString('latin1'));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const serious = refused.filter((text) => !HARMLESS.some((pattern) => pattern.test(text)));
  return { harmless: refused.length - serious.length, serious };
}

await using opened = new AsyncDisposableStack();
const backendPort = await openBackend(opened);
const cases = takenCases();
say(`${CASES} tampered requests of seed ${SEED}; the router takes ${cases.length} different ones.`);
for (const proxy of proxies) {
  const { harmless, serious } = await compare(await startProxy(opened, proxy, backendPort), cases);
  say(`${proxy.name} refuses ${harmless + serious.length} of them, ${serious.length} for a reason that matters.`);
  for (const text of serious.slice(0, SHOWN)) say(`  ${JSON.stringify(text)}`);
  if (serious.length > 0) process.exitCode = 1;
}
