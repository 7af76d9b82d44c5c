import { DomainError } from '@portico/errors';
import type { CallContext } from '@portico/grpc';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { type Signable, signedPath } from '../http/signed-path.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** The client's kinds that read only single uploads: the JavaScript and Go SDKs. */
const SINGLE_UPLOAD_CLIENTS = new Set(['8', '9']);
const SIZE_MAX_BYTES = 5n * 1024n ** 3n;

/** Larger files and values travel over HTTP, to signed URLs. */
export function blobHandlers(state: State): ModalHandlers {
  const urlOf = (call: CallContext, signable: Signable): string =>
    `${origin(state, call)}${signedPath(state.box, signable)}`;
  return {
    blobCreate({ contentLength, contentSha256Base64 }, call) {
      if (contentLength < 0n || contentLength > SIZE_MAX_BYTES)
        throw new DomainError(
          'invalid-argument',
          'blob.too_big',
          `An upload may have up to ${SIZE_MAX_BYTES} bytes, not ${contentLength}.`,
        );
      const blobId = newId('blob');
      // The MD5 is no check: for large files clients send a fixed one.
      const sha256Hex = Buffer.from(contentSha256Base64, 'base64').toString('hex');
      const uploadUrl = urlOf(call, { method: 'PUT', blobId, upload: { sizeBytes: contentLength, sha256Hex } });
      if (SINGLE_UPLOAD_CLIENTS.has(call.header('x-modal-client-type') ?? '')) {
        return modal.BlobCreateResponse.create({ blobId, blobIds: [blobId], uploadUrl });
      }
      // One part: the Python client accepts any host for parts, but only few for single uploads.
      const multipart = modal.MultiPartUpload.create({
        partLength: contentLength > 0n ? contentLength : 1n,
        uploadUrls: [uploadUrl],
        completionUrl: urlOf(call, { method: 'POST', blobId, part: 'complete' }),
      });
      return modal.BlobCreateResponse.create({
        blobId,
        blobIds: [blobId],
        multipart,
        multiparts: { items: [multipart] },
      });
    },
    async blobGet({ blobId }, call) {
      if (!(await state.blobs.hasUpload(blobId)))
        throw new DomainError('not-found', 'blob.not_found', `There is no upload ${blobId}; upload the file again.`);
      return modal.BlobGetResponse.create({ downloadUrl: urlOf(call, { method: 'GET', blobId }) });
    },
  };
}

/** The host that the caller reached us by reaches the blobs too. */
function origin({ config }: State, call: CallContext): string {
  const host = (call.header('x-modal-host') ?? '').replace(/:\d+$/, '');
  return `http://${/^[A-Za-z0-9.-]+$/.test(host) ? host : '127.0.0.1'}:${config.apiPort}`;
}
