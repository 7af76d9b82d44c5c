import { timingSafeEqual } from 'node:crypto';
import type { SecretBox } from '../adapters/secret-box.ts';

const LIFETIME_SECONDS = 3_600;

/** The query of a signed path. */
export interface SignedQuery {
  readonly until?: string;
  readonly signature?: string;
  /** Bytes of an upload. */
  readonly size?: string;
  /** SHA-256 of an upload in hex; empty = not told. */
  readonly sha256?: string;
}

/** What may be done with a path, and with which bytes. */
export interface Signable {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly blobId: string;
  /** What comes after the id in the path. */
  readonly part?: 'complete';
  readonly upload?: { readonly sizeBytes: bigint; readonly sha256Hex: string };
}

/** A path that says itself what may be done with it, and until when. */
export function signedPath(
  box: Pick<SecretBox, 'sign'>,
  { method, blobId, part, upload }: Signable,
  nowSeconds = Date.now() / 1000,
): string {
  const path = part ? `/blobs/${blobId}/${part}` : `/blobs/${blobId}`;
  const query = {
    until: String(Math.floor(nowSeconds + LIFETIME_SECONDS)),
    ...(upload ? { size: String(upload.sizeBytes), sha256: upload.sha256Hex } : {}),
  };
  const signature = box.sign(signedText(method, path, query));
  return `${path}?${new URLSearchParams({ ...query, signature })}`;
}

/** Whether the signature is ours and has not run out. */
export function isSigned(
  box: Pick<SecretBox, 'sign'>,
  method: string,
  path: string,
  query: SignedQuery,
  nowSeconds = Date.now() / 1000,
): boolean {
  const expected = Buffer.from(box.sign(signedText(method, path, query)));
  const given = Buffer.from(String(query.signature ?? ''));
  return given.length === expected.length && timingSafeEqual(given, expected) && Number(query.until) > nowSeconds;
}

function signedText(method: string, path: string, { until = '', size = '', sha256 = '' }: SignedQuery): string {
  return `${method} ${path} ${until} ${size} ${sha256}`;
}
