import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A registry on this machine that serves one OCI layout under every name and tag but `missing`. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  /** From then on nobody comes in without these credentials. */
  lock(username: string, password: string): void;
  /** From then on it takes connections and says nothing. */
  hang(): void;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export async function openRegistry(layout: string): Promise<TestRegistry> {
  const asked: string[] = [];
  let credentials: string | undefined;
  let isHanging = false;
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (isHanging) return;
    if (credentials !== undefined && request.headers.authorization !== credentials) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    void answer(layout, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    lock(username, password) {
      credentials = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    },
    hang() {
      isHanging = true;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(layout: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind, name = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
  if (!kind) {
    response.writeHead(200).end('{}');
    return;
  }
  const body = await read(layout, kind, name);
  if (!body) {
    response
      .writeHead(404)
      .end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
    return;
  }
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  const type = kind === 'manifests' ? MANIFEST : 'application/octet-stream';
  response.writeHead(200, { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digest });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function read(layout: string, kind: string, name: string): Promise<Buffer | undefined> {
  if (name === 'missing') return undefined;
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const digest = kind === 'manifests' && !name.startsWith('sha256:') ? (index.manifests[0]?.digest ?? '') : name;
  return readFile(join(layout, 'blobs/sha256', digest.replace('sha256:', ''))).catch(() => undefined);
}
