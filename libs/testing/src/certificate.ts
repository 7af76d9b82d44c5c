import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where a certificate and its key were written to. */
export interface CertificatePaths {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a certificate for `*.domain` that is signed by nobody but itself; both files are in `folder`. */
export async function selfSignedCertificate(folder: string, domain: string): Promise<CertificatePaths> {
  const paths = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', paths.keyFile];
  const subject = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:*.${domain},DNS:${domain}`, '-days', '2'];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...subject, '-out', paths.certFile]);
  return paths;
}
