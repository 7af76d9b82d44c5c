import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@portico/testing';
import { childrenOf } from './processes.ts';

const PROGRAM = '/usr/sbin/nginx';

/** nginx with one worker that passes everything to a unix socket. */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
  /** Of the worker. */
  readonly processId: number;
}

export async function startNginx(folder: string, socketPath: string): Promise<Nginx> {
  if (!existsSync(PROGRAM)) throw new Error('nginx is missing: apt-get install nginx-light');
  await mkdir(join(folder, 'logs'), { recursive: true });
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configOf(port, socketPath));
  const child = spawn(PROGRAM, ['-p', folder, '-c', file, '-g', 'daemon off;'], { stdio: 'ignore' });
  await eventually('nginx listens', () => accepts(port));
  return {
    port,
    processId: childrenOf(child.pid ?? 0)[0] ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

function configOf(port: number, socketPath: string): string {
  return `
worker_processes 1;
user root;
pid logs/nginx.pid;
error_log logs/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  map $http_upgrade $connection_header { default ""; ~. upgrade; }
  client_body_temp_path logs/body; proxy_temp_path logs/proxy; fastcgi_temp_path logs/f; uwsgi_temp_path logs/u; scgi_temp_path logs/s;
  upstream container { server unix:${socketPath}; keepalive 512; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 100000000;
    location / {
      proxy_pass http://container;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_header;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
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
