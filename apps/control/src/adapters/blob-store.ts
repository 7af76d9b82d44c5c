import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { DomainError } from '@portico/errors';

/** Files by their SHA-256, in a folder that node-agent and image-builder read. */
export interface BlobStore {
  has(sha256Hex: string): Promise<boolean>;
  /** Stores bytes; refuses them when the hash is another. */
  put(sha256Hex: string, data: Uint8Array): Promise<void>;
  /** Takes an upload under a free id, giving the MD5 of it in hex; refuses other bytes than were announced. */
  upload(blobId: string, body: Readable, announced: Announced): Promise<string>;
  hasUpload(blobId: string): Promise<boolean>;
  /** The MD5 of an upload in hex; undefined if there is none. */
  md5Of(blobId: string): Promise<string | undefined>;
  read(blobId: string): Promise<{ stream: Readable; size: number } | undefined>;
  /** Moves an upload to where its content says; refuses and drops it when the hash is another. */
  adopt(blobId: string, sha256Hex: string): Promise<void>;
}

/** What the client said of an upload before it sent it. */
export interface Announced {
  readonly sizeBytes: number;
  /** Undefined = not told. */
  readonly sha256Hex?: string | undefined;
}

/** Files that are being written lie apart, so that what a crash left is told from what is whole. */
export async function openBlobStore(folder: string): Promise<BlobStore> {
  const partial = join(folder, 'partial');
  await rm(partial, { recursive: true, force: true });
  const pathOf = (sha256Hex: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256Hex))
      throw new DomainError('invalid-argument', 'blob.bad_hash', 'A file hash must be 64 lower-case hex digits.');
    return join(folder, sha256Hex.slice(0, 2), sha256Hex);
  };
  const uploadOf = (blobId: string): string => {
    if (!/^bl-[A-Za-z0-9]+$/.test(blobId))
      throw new DomainError('invalid-argument', 'blob.bad_id', 'That is not a blob id.');
    return join(folder, 'uploads', blobId);
  };
  return {
    has: async (sha256Hex) => (await sizeOf(pathOf(sha256Hex))) !== undefined,
    async put(sha256Hex, data) {
      const path = pathOf(sha256Hex);
      if (hashOf('sha256', data) !== sha256Hex) throw wrongHash();
      await written(partial, path, (file) => file.writeFile(data));
    },
    async upload(blobId, body, announced) {
      const md5 = createHash('md5');
      await written(partial, uploadOf(blobId), (file) => receive(file, body, announced, md5));
      return md5.digest('hex');
    },
    hasUpload: async (blobId) => (await sizeOf(uploadOf(blobId))) !== undefined,
    async md5Of(blobId) {
      if ((await sizeOf(uploadOf(blobId))) === undefined) return undefined;
      return hashOfFile('md5', uploadOf(blobId));
    },
    async read(blobId) {
      const size = await sizeOf(uploadOf(blobId));
      return size === undefined ? undefined : { stream: createReadStream(uploadOf(blobId)), size };
    },
    async adopt(blobId, sha256Hex) {
      const source = uploadOf(blobId);
      const path = pathOf(sha256Hex);
      if ((await sizeOf(source)) === undefined) {
        // A call that is sent again finds its work done.
        if ((await sizeOf(path)) !== undefined) return;
        throw new DomainError('not-found', 'blob.not_found', `There is no upload ${blobId}; upload the file again.`);
      }
      if ((await hashOfFile('sha256', source)) !== sha256Hex) {
        await rm(source, { force: true });
        throw wrongHash();
      }
      await storing(() => settle(source, path));
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

const hashOf = (algorithm: string, data: Uint8Array): string => createHash(algorithm).update(data).digest('hex');

async function hashOfFile(algorithm: string, path: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Writes a body as it comes. It is not torn down when something is wrong with it: its sender shall read the answer. */
async function receive(
  file: FileHandle,
  body: Readable,
  { sizeBytes, sha256Hex }: Announced,
  md5: ReturnType<typeof createHash>,
): Promise<void> {
  const sha256 = createHash('sha256');
  let received = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received > sizeBytes) throw wrongSize(sizeBytes);
    md5.update(chunk);
    sha256.update(chunk);
    await file.appendFile(chunk);
  }
  if (received < sizeBytes) throw wrongSize(sizeBytes);
  if (sha256Hex !== undefined && sha256.digest('hex') !== sha256Hex) throw wrongHash();
}

/** A file appears under its name when it is whole and on disk, and not at all otherwise. */
async function written(partial: string, path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = join(partial, randomUUID());
  await storing(async () => {
    try {
      await mkdir(partial, { recursive: true });
      const file = await open(temporary, 'wx', 0o644);
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await settle(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

/** Gives a whole file its name, so that it has it also after a power cut. */
async function settle(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
  const folder = await open(dirname(to));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function storing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ECONNRESET')
      throw new DomainError('cancelled', 'blob.cut_off', 'The upload was cut off; try it again.');
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new DomainError(
      'resource-exhausted',
      'blob.disk_full',
      'The disk of the platform is full, so the file was not stored: make room under PORTICO_HOME and try again.',
      { cause: error },
    );
  }
}

function wrongSize(sizeBytes: number): DomainError {
  return new DomainError(
    'invalid-argument',
    'blob.wrong_size',
    `The upload does not have the ${sizeBytes} bytes that it was announced with; try it again.`,
  );
}

function wrongHash(): DomainError {
  return new DomainError(
    'invalid-argument',
    'blob.wrong_hash',
    'The file arrived with another content than its hash says; try the upload again.',
  );
}
