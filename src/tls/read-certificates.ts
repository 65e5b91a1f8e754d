/** The files of `proxy.tls` as they are now: the same as those in use, new ones that fit, or not fit for use. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ListenerTlsConfig, PemFile } from '../contracts/config.ts';

export type CertificatesRead =
  | { readonly outcome: 'same' | 'changed'; readonly tls: ListenerTlsConfig; readonly expiries: readonly Expiry[] }
  /** Names the file, and what is wrong with it. */
  | { readonly outcome: 'bad'; readonly error: string };

export interface Expiry {
  readonly file: string;
  /** Unix time, seconds. */
  readonly at: number;
}

/** For a thread: it reads files at once, and parses them. `inUse`: what the workers have. All files are good, or none is taken. */
export function readCertificates(inUse: ListenerTlsConfig): CertificatesRead {
  try {
    const tls: ListenerTlsConfig = {
      ...inUse,
      certificates: inUse.certificates.map(({ cert, key }) => ({ cert: readAgain(cert), key: readAgain(key) })),
      clientCa: inUse.clientCa === null ? null : readAgain(inUse.clientCa),
    };
    const isSame = filesOf(tls).every(({ pem }, i) => pem === filesOf(inUse)[i]?.pem);
    const expiries = tls.certificates.map(({ cert, key }) => ({ file: cert.file, at: expiryOf(cert, key) }));
    if (tls.clientCa !== null) readChain(tls.clientCa);
    return { outcome: isSame ? 'same' : 'changed', tls, expiries };
  } catch (error) {
    return { outcome: 'bad', error: (error as Error).message };
  }
}

/** Every file that it names, each once. */
export function filesOf({ certificates, clientCa }: ListenerTlsConfig): PemFile[] {
  const files = [...certificates.flatMap(({ cert, key }) => [cert, key]), ...(clientCa === null ? [] : [clientCa])];
  return [...new Map(files.map((file) => [file.file, file])).values()];
}

function readAgain({ file }: PemFile): PemFile {
  try {
    return { file, pem: readFileSync(file, 'latin1') };
  } catch (error) {
    throw new Error(`${file} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`, { cause: error });
  }
}

function expiryOf(cert: PemFile, key: PemFile): number {
  const certificate = readChain(cert);
  const privateKey = attempt(key.file, 'holds no private key', () => createPrivateKey(key.pem));
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`${key.file} is not the key of ${cert.file}`);
  // The last word is OpenSSL's, which also knows what is too weak.
  attempt(cert.file, "can't be used", () => createSecureContext({ cert: cert.pem, key: key.pem }));
  return certificate.validToDate.getTime() / 1000;
}

/** The first of the certificates in a file. OpenSSL would take a file that ends in the middle of a later one. */
function readChain({ file, pem }: PemFile): X509Certificate {
  const [first, ...others] = pem.split('-----BEGIN CERTIFICATE-----').slice(1);
  const read = (rest = '') => new X509Certificate(`-----BEGIN CERTIFICATE-----${rest}`);
  return attempt(file, 'holds no certificate, or part of one', () => {
    for (const other of others) read(other);
    return read(first);
  });
}

function attempt<T>(file: string, failure: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    throw new Error(`${file} ${failure}: ${reason ?? message}`, { cause: error });
  }
}
