import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError } from '@portico/errors';

/** Files by their SHA-256, in a folder that node-agent and image-builder read. */
export interface BlobStore {
  has(sha256Hex: string): Promise<boolean>;
  /** Stores bytes; refuses them when the hash is another. */
  put(sha256Hex: string, data: Uint8Array): Promise<void>;
  /** Takes an upload under a free id, giving the MD5 of it in hex. */
  upload(blobId: string, body: Readable): Promise<string>;
  read(blobId: string): Promise<{ stream: Readable; size: number } | undefined>;
  /** Moves an upload to where its content says; refuses it when the hash is another. */
  adopt(blobId: string, sha256Hex: string): Promise<void>;
}

export function openBlobStore(folder: string): BlobStore {
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
  const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;
  return {
    has: (sha256Hex) => exists(pathOf(sha256Hex)),
    async put(sha256Hex, data) {
      const path = pathOf(sha256Hex);
      if (createHash('sha256').update(data).digest('hex') !== sha256Hex) throw wrongHash();
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${randomUUID()}`;
      await writeFile(temporary, data, { mode: 0o644, flush: true }).catch((error: unknown) => drop(temporary, error));
      await settle(temporary, path);
    },
    async upload(blobId, body) {
      const path = uploadOf(blobId);
      await mkdir(dirname(path), { recursive: true });
      const md5 = createHash('md5');
      const counted = new Transform({
        transform(chunk: Buffer, _, done) {
          md5.update(chunk);
          done(null, chunk);
        },
      });
      const temporary = `${path}.${randomUUID()}`;
      await pipeline(body, counted, createWriteStream(temporary, { flush: true })).catch((error: unknown) =>
        drop(temporary, error),
      );
      await settle(temporary, path);
      return md5.digest('hex');
    },
    async read(blobId) {
      const found = await stat(uploadOf(blobId)).catch(() => undefined);
      return found && { stream: createReadStream(uploadOf(blobId)), size: found.size };
    },
    async adopt(blobId, sha256Hex) {
      const source = uploadOf(blobId);
      const hash = createHash('sha256');
      await pipeline(createReadStream(source), hash);
      if (hash.digest('hex') !== sha256Hex) throw wrongHash();
      await mkdir(dirname(pathOf(sha256Hex)), { recursive: true });
      await settle(source, pathOf(sha256Hex));
    },
  };
}

/** Gives a whole file its name, so that it has it also after a power cut. */
async function settle(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Half a file is of no use to anybody. */
async function drop(file: string, reason: unknown): Promise<never> {
  await rm(file, { force: true });
  throw reason;
}

function wrongHash(): DomainError {
  return new DomainError(
    'invalid-argument',
    'blob.wrong_hash',
    'The file arrived with another content than its hash says; try the upload again.',
  );
}
