import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DomainError } from '@portico/errors';
import type { Logger } from '@portico/telemetry';

/** Where a certificate lies. */
export interface CertificateFiles {
  /** PORTICO_TLS_CERT_FILE: the certificate and what leads to its issuer, in PEM. */
  readonly certFile: string;
  /** PORTICO_TLS_KEY_FILE: its private key, in PEM and without a passphrase. */
  readonly keyFile: string;
}

/** A certificate with its key, both in PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The certificate that TLS is spoken with; it follows its files. */
export interface Certificate extends Disposable {
  readonly current: KeyPair;
  /** Hears of every pair that takes the place of the one before. */
  onChange(listener: (pair: KeyPair) => void): void;
}

/** How often the files are looked at: their names may be links that are turned to another file. */
const LOOK_EVERY_MS = 1_000;

/** Throws with one sentence if there is no certificate to begin with; what is wrong later is logged, and the one before stays. */
export async function openCertificate(files: CertificateFiles, log: Logger): Promise<Certificate> {
  let current = await readPair(files);
  const listeners = new Set<(pair: KeyPair) => void>();
  const reread = async (): Promise<void> => {
    try {
      const pair = await readPair(files);
      if (pair.cert.equals(current.cert) && pair.key.equals(current.key)) return;
      current = pair;
      for (const listener of listeners) listener(pair);
      log.info({ event: 'certificate changed', validTo: new X509Certificate(pair.cert).validTo }, 'New certificate');
    } catch (error) {
      log.error({ err: error }, 'The certificate before stays in use');
    }
  };
  const onFile = (): void => void reread();
  const names = [files.certFile, files.keyFile];
  for (const name of names) watchFile(name, { interval: LOOK_EVERY_MS, persistent: false }, onFile);
  return {
    get current() {
      return current;
    },
    onChange: (listener) => void listeners.add(listener),
    [Symbol.dispose]() {
      for (const name of names) unwatchFile(name, onFile);
    },
  };
}

async function readPair({ certFile, keyFile }: CertificateFiles): Promise<KeyPair> {
  const cert = await readNamed('PORTICO_TLS_CERT_FILE', certFile);
  const key = await readNamed('PORTICO_TLS_KEY_FILE', keyFile);
  const certificate = parsed<X509Certificate>(
    () => new X509Certificate(cert),
    `PORTICO_TLS_CERT_FILE names ${certFile}, which holds no certificate in PEM.`,
  );
  const privateKey = parsed<KeyObject>(
    () => createPrivateKey(key),
    `PORTICO_TLS_KEY_FILE names ${keyFile}, which holds no private key in PEM that can be read without a passphrase.`,
  );
  if (certificate.checkPrivateKey(privateKey)) return { cert, key };
  throw new DomainError(
    'failed-precondition',
    'tls.bad_certificate',
    `The key in ${keyFile} is not that of the certificate in ${certFile}.`,
  );
}

async function readNamed(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const sentence = `${variable} names ${path}, which can't be read: ${code}.`;
    throw new DomainError('failed-precondition', 'tls.unreadable', sentence, { cause: error });
  }
}

function parsed<T>(parse: () => T, sentence: string): T {
  try {
    return parse();
  } catch (error) {
    throw new DomainError('failed-precondition', 'tls.bad_certificate', sentence, { cause: error });
  }
}
