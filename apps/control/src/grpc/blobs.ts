import type { CallContext } from '@portico/grpc';
import { newId } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import { signedPath } from '../http/signed-path.ts';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

/** The client's kinds that read only single uploads: the JavaScript and Go SDKs. */
const SINGLE_UPLOAD_CLIENTS = new Set(['8', '9']);

/** Larger files and values travel over HTTP, to signed URLs. */
export function blobHandlers(state: State): ModalHandlers {
  return {
    blobCreate({ contentLength }, call) {
      const blobId = newId('blob');
      const url = (part: string): string => `${origin(state, call)}${signedPath(state.box, 'PUT', blobId, part)}`;
      if (SINGLE_UPLOAD_CLIENTS.has(call.header('x-modal-client-type') ?? '')) {
        return modal.BlobCreateResponse.create({ blobId, blobIds: [blobId], uploadUrl: url('') });
      }
      // One part: the Python client accepts any host for parts, but only few for single uploads.
      const completionUrl = `${origin(state, call)}${signedPath(state.box, 'POST', blobId, 'complete')}`;
      const multipart = modal.MultiPartUpload.create({
        partLength: contentLength > 0n ? contentLength : 1n,
        uploadUrls: [url('')],
        completionUrl,
      });
      return modal.BlobCreateResponse.create({
        blobId,
        blobIds: [blobId],
        multipart,
        multiparts: { items: [multipart] },
      });
    },
    blobGet: ({ blobId }, call) =>
      modal.BlobGetResponse.create({
        downloadUrl: `${origin(state, call)}${signedPath(state.box, 'GET', blobId, '')}`,
      }),
  };
}

/** The host that the caller reached us by reaches the blobs too. */
function origin({ config }: State, call: CallContext): string {
  const host = (call.header('x-modal-host') ?? '').replace(/:\d+$/, '');
  return `http://${/^[A-Za-z0-9.-]+$/.test(host) ? host : '127.0.0.1'}:${config.apiPort}`;
}
