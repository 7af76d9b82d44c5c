import { timingSafeEqual } from 'node:crypto';
import type { SecretBox } from '../adapters/secret-box.ts';

const LIFETIME_SECONDS = 3_600;

/** A path that says itself what may be done with it, and until when. */
export function signedPath(
  box: Pick<SecretBox, 'sign'>,
  method: string,
  blobId: string,
  part: string,
  nowSeconds = Date.now() / 1000,
): string {
  const until = Math.floor(nowSeconds + LIFETIME_SECONDS);
  const path = part ? `/blobs/${blobId}/${part}` : `/blobs/${blobId}`;
  return `${path}?until=${until}&signature=${box.sign(`${method} ${path} ${until}`)}`;
}

/** Whether the signature is ours and has not run out. */
export function isSigned(
  box: Pick<SecretBox, 'sign'>,
  method: string,
  path: string,
  query: { until?: string; signature?: string },
  nowSeconds = Date.now() / 1000,
): boolean {
  const expected = Buffer.from(box.sign(`${method} ${path} ${query.until}`));
  const given = Buffer.from(query.signature ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected) && Number(query.until) > nowSeconds;
}
