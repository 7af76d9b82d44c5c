import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@portico/testing';
import { childrenOf } from './processes.ts';

const PROGRAM = '/usr/sbin/nginx';

/**
 * nginx that passes everything to one server (`unix:path` or `address:port`) and does as much for each request as the
 * router does: a rate for a host, a limit of requests at once, an id and a trace context, and headers that only a proxy may say.
 */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** Of the workers. */
  readonly processIds: readonly number[];
}

export async function startNginx(folder: string, server: string, workers: number): Promise<Nginx> {
  if (!existsSync(PROGRAM)) throw new Error('nginx is missing: apt-get install nginx-light');
  await mkdir(join(folder, 'logs'), { recursive: true });
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configOf(port, server, workers));
  const child = spawn(PROGRAM, ['-p', folder, '-c', file, '-g', 'daemon off;'], { stdio: 'ignore' });
  const workersOf = (): number[] => childrenOf(child.pid ?? 0);
  await eventually('nginx has its workers', async () => workersOf().length === workers && accepts(port));
  return {
    port,
    processIds: workersOf(),
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

function configOf(port: number, server: string, workers: number): string {
  return `
worker_processes ${workers};
user root;
pid logs/nginx.pid;
error_log logs/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  map $http_upgrade $connection_header { default ""; ~. upgrade; }
  client_body_temp_path logs/body; proxy_temp_path logs/proxy; fastcgi_temp_path logs/f; uwsgi_temp_path logs/u; scgi_temp_path logs/s;
  map $http_traceparent $trace { default $http_traceparent; "" 00-$request_id-0123456789abcdef-00; }
  limit_req_zone $host zone=rate:1m rate=1000000r/s;
  limit_conn_zone $host zone=slots:1m;
  upstream container { server ${server}; keepalive 512; }
  server {
    listen 127.0.0.1:${port} reuseport;
    keepalive_requests 100000000;
    location / {
      proxy_pass http://container;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_header;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $host;
      limit_req zone=rate burst=1000000 nodelay;
      limit_conn slots 10000;
      proxy_set_header Forwarded "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host "";
      proxy_set_header X-Forwarded-Proto "";
      proxy_set_header Modal-Key "";
      proxy_set_header Modal-Secret "";
      proxy_set_header Portico-Client-Address $remote_addr:$remote_port;
      proxy_set_header Portico-Request-Id $request_id;
      proxy_set_header Portico-Scheme $scheme;
      proxy_set_header traceparent $trace;
      add_header modal-function-call-id fc-$request_id always;
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() && true)).once('error', () => resolve(false));
  });
}
