import { createHash } from 'node:crypto';
import type { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { idOfHash } from '@portico/ids';
import { modal } from '@portico/modal-protocol';
import type { State } from '../state.ts';
import type { ModalHandlers } from './handlers.ts';

const CLIENT_MOUNT = /^modal-client-mount-([0-9A-Za-z.]+)/;
/** Files looked up at once. */
const LOOKUPS_MAX = 1_000;

/** Files from the user's machine, by content. */
export function mountHandlers(state: State): ModalHandlers {
  return {
    async mountBatchedCheckExistence({ sha256HexHashes }) {
      if (sha256HexHashes.length > LOOKUPS_MAX)
        throw new DomainError('invalid-argument', 'mount.too_many', `Ask for at most ${LOOKUPS_MAX} files at once.`);
      const present = await Promise.all(sha256HexHashes.map((hash) => state.blobs.has(hash)));
      return modal.MountBatchedCheckExistenceResponse.create({
        missingSha256HexHashes: sha256HexHashes.filter((_, i) => !present[i]),
      });
    },
    async mountPutFile({ sha256Hex, data, dataBlobId }) {
      if (dataBlobId) await state.blobs.adopt(dataBlobId, sha256Hex);
      else if (data !== undefined && !(await state.blobs.has(sha256Hex))) await state.blobs.put(sha256Hex, data);
      return modal.MountPutFileResponse.create({ exists: await state.blobs.has(sha256Hex) });
    },
    async mountGetOrCreate(request) {
      const mount =
        request.files.length === 0 && request.deploymentName ? globalMount(request) : await ownMount(state, request);
      if (!state.mounts.get(mount.mountId)) await state.mounts.put(mount.mountId, mount);
      return modal.MountGetOrCreateResponse.create({
        mountId: mount.mountId,
        handleMetadata: { contentChecksumSha256Hex: mount.contentChecksum },
      });
    },
  };
}

/** Mounts that the platform itself provides: the client's own package. */
function globalMount({ deploymentName }: modal.MountGetOrCreateRequest): control.MountRecord {
  const clientVersion = CLIENT_MOUNT.exec(deploymentName)?.[1];
  if (!clientVersion) {
    throw new DomainError(
      'not-found',
      'mount.not_found',
      `The mount "${deploymentName}" does not exist here. A standalone Python (add_python=) is not available: use an image that has Python.`,
    );
  }
  return mountOf({ files: [], clientVersion, globalName: deploymentName });
}

async function ownMount(state: State, { files }: modal.MountGetOrCreateRequest): Promise<control.MountRecord> {
  const mounted = files.map((file) => ({
    path: checkedPath(file.filename),
    sha256Hex: file.sha256Hex,
    mode: file.mode ?? 0o644,
    sizeBytes: file.size ?? 0n,
  }));
  const present = await Promise.all(mounted.map(({ sha256Hex }) => state.blobs.has(sha256Hex)));
  const missing = mounted.find((_, i) => !present[i]);
  if (missing)
    throw new DomainError(
      'failed-precondition',
      'mount.file_missing',
      `The file ${missing.path} was not uploaded; try again.`,
    );
  return mountOf({ files: mounted, clientVersion: '', globalName: '' });
}

function checkedPath(path: string): string {
  if (path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0')) return path;
  throw new DomainError(
    'invalid-argument',
    'mount.bad_path',
    `The mounted file ${JSON.stringify(path)} needs an absolute path without "..".`,
  );
}

/** The id follows from the content, so an unchanged mount keeps it. */
function mountOf({
  files,
  clientVersion,
  globalName,
}: Pick<control.MountRecord, 'files' | 'clientVersion' | 'globalName'>): control.MountRecord {
  const hash = createHash('sha256').update(`${globalName}\0${clientVersion}`);
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of sorted) hash.update(`\0${file.path}\0${file.sha256Hex}\0${file.mode}`);
  const digest = hash.digest();
  return {
    mountId: idOfHash('mount', digest),
    files: sorted,
    contentChecksum: digest.toString('hex'),
    clientVersion,
    globalName,
  };
}
