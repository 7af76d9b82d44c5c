import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type HttpServer, serveHttp } from '@portico/http';
import type { Logger } from '@portico/telemetry';
import type { BlobStore } from '../adapters/blob-store.ts';
import type { SecretBox } from '../adapters/secret-box.ts';
import { isSigned } from './signed-path.ts';

interface Needs {
  readonly blobs: BlobStore;
  readonly box: SecretBox;
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
}

/** Uploads and downloads of blobs; every URL is signed and runs out. */
export function serveBlobs({ blobs, box, host, port, log }: Needs): Promise<HttpServer> {
  /** MD5 of uploads that wait for their completion. */
  const uploaded = new Map<string, string>();
  return serveHttp({
    host,
    port,
    log,
    routes(http) {
      http.addContentTypeParser('*', (_request, body, done) => done(null, body));
      http.addHook('preValidation', async (request, reply) => {
        const path = request.url.split('?')[0] ?? '';
        if (!path.startsWith('/blobs/')) return;
        if (!isSigned(box, request.method, path, request.query as { until?: string; signature?: string })) {
          await reply.code(403).type('text/plain').send('This link is not valid, or no longer.');
        }
      });
      http.get('/healthz', async () => 'ok');
      http.put<{ Params: { id: string } }>('/blobs/:id', async (request, reply) => {
        const md5 = await blobs.upload(request.params.id, request.body as Readable);
        uploaded.set(request.params.id, md5);
        return reply.header('etag', `"${md5}"`).send();
      });
      http.post<{ Params: { id: string } }>('/blobs/:id/complete', async (request, reply) => {
        const md5 = uploaded.get(request.params.id);
        uploaded.delete(request.params.id);
        if (!md5) return reply.code(404).type('text/plain').send('There is no such upload.');
        const combined = createHash('md5').update(Buffer.from(md5, 'hex')).digest('hex');
        return reply
          .type('application/xml')
          .send(`<CompleteMultipartUploadResult><ETag>"${combined}-1"</ETag></CompleteMultipartUploadResult>`);
      });
      http.get<{ Params: { id: string } }>('/blobs/:id', async (request, reply) => {
        const found = await blobs.read(request.params.id);
        if (!found) return reply.code(404).type('text/plain').send('There is no such blob.');
        return reply.header('content-length', found.size).type('application/octet-stream').send(found.stream);
      });
    },
  });
}
