import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

/** A registry on this machine that gives one image of one layer under every name and tag. */
export interface ImageRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
}

const OCI = 'application/vnd.oci.image';
const LAYER_BYTES_MAX = 128 * 1024 * 1024;

/** The image holds what is in the folder; `config` is what it says of its program. */
export async function openImageRegistry(
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<ImageRegistry> {
  const { stdout: layer } = await promisify(execFile)('tar', ['-C', folder, '--owner=0', '--group=0', '-c', '.'], {
    encoding: 'buffer',
    maxBuffer: LAYER_BYTES_MAX,
  });
  const blobs = new Map<string, Buffer>();
  const keep = (bytes: Buffer, mediaType: string) => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const manifest = keep(
    json({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: keep(json({ architecture, os: 'linux', config, rootfs }), `${OCI}.config.v1+json`),
      layers: [keep(gzipSync(layer), `${OCI}.layer.v1.tar+gzip`)],
    }),
    `${OCI}.manifest.v1+json`,
  );
  const server = createServer((request, response) => {
    const [, kind, name = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
    const digest = kind === 'manifests' && !blobs.has(name) ? manifest.digest : name;
    const body = kind ? blobs.get(digest) : Buffer.from('{}');
    response.writeHead(body ? 200 : 404, {
      'content-type': kind === 'manifests' ? manifest.mediaType : 'application/octet-stream',
      'content-length': body?.length ?? 0,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
