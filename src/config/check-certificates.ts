/** Checks of PEM files that the config names: certificates, keys and authorities are read with it, so that a bad one is found here. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Checking, checkFileExists } from './checking.ts';
import { isHostName } from './formats.ts';
import { describeFileError } from './interpolate.ts';
import { formatPath, type KeyPath } from './problem.ts';

/** As the schema has it for every server that the gateway is a client of. */
export interface ClientTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly verify?: boolean | undefined;
}

/** `whom`: as the server is called. */
export function checkClientTls(checking: Checking, path: KeyPath, tls: ClientTls, whom: string): void {
  const { findings } = checking;
  checkAuthorities(checking, [...path, 'ca'], tls.ca);
  checkCertificate(checking, [...path, 'cert'], tls.cert, [...path, 'key'], tls.key);
  if (findings.has([...path, 'cert']) !== findings.has([...path, 'key'])) {
    findings.error(path, 'names only one of cert and key', {
      at: 'key',
      value: null,
      expected: 'both, for mutual TLS',
    });
  }
  if (tls.servername !== undefined && !isHostName(tls.servername)) {
    findings.error([...path, 'servername'], `${findings.show([...path, 'servername'])} is no host name`);
  }
  if (tls.verify === false) findings.warn([...path, 'verify'], `lets anybody pose as ${whom}`);
}

/** A certificate, its chain behind it, and its key: each fit for use, and made for one another. */
export function checkCertificate(
  checking: Checking,
  certPath: KeyPath,
  cert: string | undefined,
  keyPath: KeyPath,
  key: string | undefined,
): void {
  const certPem = readPem(checking, certPath, cert);
  const keyPem = readPem(checking, keyPath, key);
  const chain = certPem === null ? null : readCertificates(checking, certPath, certPem);
  const privateKey = keyPem === null ? null : readPrivateKey(checking, keyPath, keyPem);
  const [own] = chain ?? [];
  if (own === undefined) return;
  warnOfTime(checking, certPath, own);
  if (certPem === null || keyPem === null || privateKey === null) return;
  const { findings } = checking;
  if (!own.checkPrivateKey(privateKey)) {
    findings.error(keyPath, `${findings.show(keyPath)} is not the key of ${findings.show(certPath)}`, {
      expected: "the certificate's own key, and the own certificate before those of its authorities",
    });
    return;
  }
  // The last word is OpenSSL's, which also knows what is too weak.
  const refused = tryContext({ cert: certPem, key: keyPem });
  if (refused !== null) findings.error(certPath, `${findings.show(certPath)} can't be used: ${refused}`);
}

/** Certificates of authorities, to check those of others against. */
export function checkAuthorities(checking: Checking, path: KeyPath, file: string | undefined): void {
  const pem = readPem(checking, path, file);
  const authorities = pem === null ? null : readCertificates(checking, path, pem);
  if (pem === null || authorities === null) return;
  const { findings } = checking;
  const refused = tryContext({ ca: pem });
  if (refused !== null) findings.error(path, `${findings.show(path)} can't be used: ${refused}`);
  // Bundles keep some that have ended.
  const [first] = authorities;
  if (first !== undefined && authorities.every(({ validToDate }) => validToDate.getTime() < Date.now())) {
    warnOfTime(checking, path, first);
  }
}

/** The text is kept beside the config: what has been judged is what will be used. */
function readPem(checking: Checking, path: KeyPath, file: string | undefined): string | null {
  if (file === undefined) return null;
  const { findings, attached } = checking;
  const before = findings.problems.length;
  checkFileExists(checking, path, file);
  if (findings.problems.length > before) return null;
  try {
    // Around the blocks there may be remarks in any encoding.
    const pem = readFileSync(resolve(findings.source.folder, file), 'latin1');
    attached.pems.set(formatPath(path), pem);
    return pem;
  } catch (error) {
    findings.error(path, `${findings.show(path)} can't be read: ${describeFileError(error)}`);
    return null;
  }
}

const certificateBlock =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

function readCertificates({ findings }: Checking, path: KeyPath, pem: string): X509Certificate[] | null {
  const blocks = pem.match(certificateBlock) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
    findings.error(path, `${findings.show(path)} holds no certificate`, {
      expected: 'PEM: -----BEGIN CERTIFICATE-----',
    });
  } catch {
    findings.error(path, `${findings.show(path)} holds a certificate that can't be read`);
  }
  return null;
}

const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

function readPrivateKey({ findings }: Checking, path: KeyPath, pem: string): KeyObject | null {
  if (encryptedKey.test(pem)) {
    findings.error(path, `${findings.show(path)} is encrypted, and nobody is there to type its passphrase`, {
      expected: 'a key without one, that only the gateway may read: openssl pkey -in ENCRYPTED -out PLAIN',
    });
    return null;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    findings.error(path, `${findings.show(path)} holds no private key`, {
      expected: 'PEM: -----BEGIN PRIVATE KEY-----',
    });
    return null;
  }
}

/** Enough to renew it by hand. */
const soonMs = 30 * 24 * 60 * 60 * 1000;

function warnOfTime({ findings }: Checking, path: KeyPath, certificate: X509Certificate): void {
  const { validFromDate, validToDate } = certificate;
  const shown = findings.show(path);
  const leftMs = validToDate.getTime() - Date.now();
  if (leftMs < 0) findings.warn(path, `${shown} has expired: it ended on ${day(validToDate)}`);
  else if (leftMs < soonMs) findings.warn(path, `${shown} expires soon: it ends on ${day(validToDate)}`);
  if (validFromDate.getTime() > Date.now()) findings.warn(path, `${shown} is valid from ${day(validFromDate)} only`);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** Null: OpenSSL takes it; else its reason. */
function tryContext(pems: { ca?: string; cert?: string; key?: string }): string | null {
  try {
    createSecureContext(pems);
    return null;
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    return reason ?? message;
  }
}
