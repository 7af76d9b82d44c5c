import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DomainError } from '@portico/errors';
import { type HttpServer, serveHttp } from '@portico/http';
import type { Logger } from '@portico/telemetry';
import type { BlobStore } from '../adapters/blob-store.ts';
import type { SecretBox } from '../adapters/secret-box.ts';
import { isSigned, type SignedQuery } from './signed-path.ts';

interface Needs {
  readonly blobs: BlobStore;
  readonly box: SecretBox;
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
}

type Routes = Parameters<Parameters<typeof serveHttp>[0]['routes']>[0];

interface OfBlob {
  readonly Params: { readonly id: string };
  readonly Querystring: SignedQuery;
}

const LINGER_MS = 1_000;

/** Statuses that say more than the kind of the error does. */
const statuses: Readonly<Record<string, number>> = { 'blob.disk_full': 507 };

/** Uploads and downloads of blobs; every URL is signed and runs out. */
export function serveBlobs({ blobs, box, host, port, log }: Needs): Promise<HttpServer> {
  return serveHttp({
    host,
    port,
    log,
    routes(http) {
      // Nothing reads a body before its link has been checked.
      http.removeAllContentTypeParsers();
      http.addContentTypeParser('*', (_request, body, done) => done(null, body));
      http.addHook('onRequest', async (request, reply) => {
        const path = request.url.split('?')[0] ?? '';
        if (!path.startsWith('/blobs/') || isSigned(box, request.method, path, request.query as SignedQuery)) return;
        await reply.code(403).type('text/plain').send('This link is not valid, or no longer.');
      });
      http.addHook('onResponse', async ({ raw }) => {
        if (raw.complete) return;
        // Whose upload was refused has this long to read why; what it sends meanwhile is thrown away.
        setTimeout(() => raw.socket.destroy(), LINGER_MS).unref();
      });
      http.get('/healthz', async () => 'ok');
      serveUploads(http, blobs, log);
      http.get<OfBlob>('/blobs/:id', async (request, reply) => {
        const found = await blobs.read(request.params.id);
        if (!found) return reply.code(404).type('text/plain').send('There is no such blob.');
        return reply.header('content-length', found.size).type('application/octet-stream').send(found.stream);
      });
    },
  });
}

function serveUploads(http: Routes, blobs: BlobStore, log: Logger): void {
  http.put<OfBlob>('/blobs/:id', async (request, reply) => {
    const sizeBytes = Number(request.query.size);
    if (Number(request.headers['content-length'] ?? 0) > sizeBytes)
      return reply.code(413).type('text/plain').send(`This link takes ${sizeBytes} bytes and no more.`);
    const sha256Hex = request.query.sha256 || undefined;
    const outcome = await blobs
      .upload(request.params.id, request.raw as Readable, { sizeBytes, sha256Hex })
      .catch((reason: unknown) => DomainError.from(reason));
    if (typeof outcome === 'string') return reply.header('etag', `"${outcome}"`).send();
    const status = statuses[outcome.code];
    if (status === undefined) throw outcome;
    log.error({ err: outcome }, outcome.message);
    return reply.code(status).type('text/plain').send(outcome.message);
  });
  http.post<OfBlob>('/blobs/:id/complete', async (request, reply) => {
    const md5 = await blobs.md5Of(request.params.id);
    if (!md5) return reply.code(404).type('text/plain').send('There is no such upload.');
    const combined = createHash('md5').update(Buffer.from(md5, 'hex')).digest('hex');
    return reply
      .type('application/xml')
      .send(`<CompleteMultipartUploadResult><ETag>"${combined}-1"</ETag></CompleteMultipartUploadResult>`);
  });
}
