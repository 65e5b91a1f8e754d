/** The files of `proxy.tls` as they are now, against those in use. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListenerTlsConfig, PemFile } from '../../../src/contracts/config.ts';
import { filesOf, readCertificates } from '../../../src/tls/read-certificates.ts';
import { createAuthority } from '../../support/certificates.ts';

const authority = await createAuthority();
const first = await authority.issue({ names: ['first.test'] });
const second = await authority.issue({ names: ['second.test'] });
const file = (name: string): string => join(authority.folder, name);

function inUse(): ListenerTlsConfig {
  copyFileSync(first.cert, file('used.pem'));
  copyFileSync(first.key, file('used.key'));
  copyFileSync(authority.ca, file('clients.pem'));
  const read = (name: string): PemFile => ({ file: file(name), pem: readFileSync(file(name), 'latin1') });
  const certificates = [{ cert: read('used.pem'), key: read('used.key') }];
  return { certificates, minVersion: 'TLSv1.2', clientCa: read('clients.pem'), clientAuth: 'optional' };
}

test('files that are as they were are the same, and their ends are told', () => {
  const read = readCertificates(inUse());
  assert.ok(read.outcome === 'same');
  assert.equal(read.expiries[0]?.file, file('used.pem'));
  assert.ok((read.expiries[0]?.at ?? 0) > Date.now() / 1000);
});

test('a new pair, and new authorities, are a change', () => {
  const used = inUse();
  copyFileSync(second.cert, file('used.pem'));
  copyFileSync(second.key, file('used.key'));
  const read = readCertificates(used);
  assert.ok(read.outcome === 'changed');
  assert.equal(read.tls.certificates[0]?.cert.pem, readFileSync(second.cert, 'latin1'));
  assert.equal(read.tls.clientAuth, 'optional');

  const other = inUse();
  writeFileSync(file('clients.pem'), readFileSync(authority.ca, 'utf8').repeat(2));
  assert.equal(readCertificates(other).outcome, 'changed');
});

const spoilt: readonly (readonly [title: string, spoil: () => void, error: RegExp])[] = [
  [
    'only the certificate is new',
    () => copyFileSync(second.cert, file('used.pem')),
    /used\.key is not the key of .*used\.pem/,
  ],
  [
    'the certificate is half written',
    () => writeFileSync(file('used.pem'), readFileSync(first.cert).subarray(0, 100)),
    /used\.pem holds no certificate/,
  ],
  [
    'the second certificate of the chain is half written',
    () =>
      writeFileSync(
        file('used.pem'),
        readFileSync(first.cert, 'utf8') + readFileSync(authority.ca, 'utf8').slice(0, 200),
      ),
    /used\.pem holds no certificate, or part of one/,
  ],
  ['the key is empty', () => writeFileSync(file('used.key'), ''), /used\.key holds no private key/],
  ['a file is gone', () => rmSync(file('used.key')), /used\.key can't be read: ENOENT/],
  [
    'the authorities are none',
    () => writeFileSync(file('clients.pem'), '-----BEGIN CERTIFICATE-----\nx\n'),
    /clients\.pem holds no certificate/,
  ],
];

for (const [title, spoil, error] of spoilt) {
  test(`they are bad when ${title}`, () => {
    const used = inUse();
    spoil();
    const read = readCertificates(used);
    assert.ok(read.outcome === 'bad');
    assert.match(read.error, error);
  });
}

test('a file that is named twice is watched once', () => {
  const used = inUse();
  const twice = { ...used, certificates: [...used.certificates, ...used.certificates] };
  assert.deepEqual(
    filesOf(twice).map((each) => each.file),
    [file('used.pem'), file('used.key'), file('clients.pem')],
  );
});
