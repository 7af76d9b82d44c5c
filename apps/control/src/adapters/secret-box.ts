import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { control } from '@portico/contracts';

/** Seals environment variables for storage. */
export interface SecretBox {
  seal(values: ReadonlyMap<string, string>): Buffer;
  open(sealed: Uint8Array): Map<string, string>;
  /** A keyed hash of the content: tells whether two are the same without telling what they are. */
  hashOf(values: ReadonlyMap<string, string>): string;
  /** A keyed hash of any text, for links that expire. */
  sign(text: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Opens the box with the key file, which is made (mode 0600) at the first start. */
export async function openSecretBox(path: string): Promise<SecretBox> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const key = await readFile(path);
  if (key.length !== KEY_BYTES)
    throw new Error(
      `${path} should hold ${KEY_BYTES} bytes: restore it from a backup, without it no secret can be read`,
    );
  return secretBoxOf(key);
}

export function secretBoxOf(key: Buffer): SecretBox {
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('hex');
  return {
    sign,
    seal(values) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = control.EnvironmentVariables.encode({ values: new Map(values) }).finish();
      return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed) {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      const text = Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)),
        decipher.final(),
      ]);
      return control.EnvironmentVariables.decode(text).values;
    },
    hashOf: (values) =>
      sign(
        [...values]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => `${name.length}:${name}${value.length}:${value}`)
          .join(''),
      ),
  };
}
