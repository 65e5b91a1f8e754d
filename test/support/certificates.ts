/** Certificates as an operator would make them: an authority of the test's own, with openssl, in a folder that goes with the test. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';

/** PEM files. `cert` holds the certificate alone: the authorities here sign without any in between. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Of the subjectAltName: host names, wildcards or addresses. = none: then the commonName is all there is. */
  readonly names?: readonly string[];
  /** = the first name */
  readonly commonName?: string;
  /** It ended a day ago. */
  readonly expired?: boolean;
  /** How long it is valid from now on. = 90 */
  readonly days?: number;
  /** = 'serverAuth,clientAuth' */
  readonly usage?: string;
  /** For `openssl req -newkey`. = P-256, which is made in no time. */
  readonly newKey?: readonly string[];
}

export interface Authority {
  /** PEM file of its own certificate. */
  readonly ca: string;
  /** What it issues lies here; tests may put more files beside it. */
  readonly folder: string;
  issue(request: CertificateRequest): Promise<IssuedCertificate>;
}

const p256 = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** Its folder is removed after the test, or the file's tests, that made it. */
export async function createAuthority(commonName = 'Sluice Test CA'): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ca-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  await openssl([
    'req',
    '-x509',
    '-days',
    '90',
    '-out',
    ca,
    ...newKey(p256, caKey),
    ...describe(commonName, ofAuthority),
  ]);
  let issued = 0;
  return {
    ca,
    folder,
    async issue(wanted) {
      const { names = [], commonName: name = names[0] ?? '', newKey: kind = p256 } = wanted;
      const { usage = 'serverAuth,clientAuth', expired = false, days = 90 } = wanted;
      issued++;
      const cert = join(folder, `${issued}.pem`);
      const key = join(folder, `${issued}.key`);
      const wish = join(folder, `${issued}.csr`);
      const extensions = ['basicConstraints=critical,CA:FALSE', `extendedKeyUsage=${usage}`];
      if (names.length > 0) extensions.push(`subjectAltName=${names.map(alternativeName).join(',')}`);
      await openssl(['req', '-out', wish, ...newKey(kind, key), ...describe(name, extensions)]);
      const validity = ['-days', String(expired ? -1 : days)];
      const signer = ['-CA', ca, '-CAkey', caKey, '-copy_extensions', 'copyall'];
      await openssl(['x509', '-req', '-in', wish, '-out', cert, ...signer, ...validity]);
      return { cert, key };
    },
  };
}

const ofAuthority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** The text of both files, for `tls.connect`. */
export function pemOf({ cert, key }: IssuedCertificate): { cert: string; key: string } {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

async function openssl(args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', args);
}

function newKey(kind: readonly string[], file: string): string[] {
  return ['-nodes', '-newkey', ...kind, '-keyout', file];
}

/** These would end the name for openssl. */
function describe(commonName: string, extensions: readonly string[]): string[] {
  const subject = `/CN=${commonName.replace(/[\\/+]/g, '\\$&')}`;
  return ['-utf8', '-subj', subject, ...extensions.flatMap((extension) => ['-addext', extension])];
}

function alternativeName(name: string): string {
  return /^[0-9.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`;
}
