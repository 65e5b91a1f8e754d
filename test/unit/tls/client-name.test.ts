/** Whom a client certificate names. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { consumerOf } from '../../../src/tls/client-name.ts';
import { createAuthority } from '../../support/certificates.ts';

const authority = await createAuthority();

const named: readonly (readonly [commonName: string, consumer: string])[] = [
  ['Client A', 'Client A'],
  ['orders/blue', 'orders/blue'],
  ['x=y, z+"q"', 'x=y, z+"q"'],
  ['a\nX-Admin: yes', ''],
  ['a\u0000b', ''],
  ['Zoë', ''],
  ['аdmin', ''],
  [' Client A', ''],
  ['', ''],
];

for (const [commonName, consumer] of named) {
  test(`CN ${JSON.stringify(commonName)} names ${consumer === '' ? 'nobody' : consumer}`, () => {
    assert.equal(consumerOf(withSubject({ CN: commonName })), consumer);
  });
}

test('a CN that is longer than a name may be, two CNs, or none, name nobody', () => {
  assert.equal(consumerOf(withSubject({ CN: 'a'.repeat(200) })), 'a'.repeat(200));
  assert.equal(consumerOf(withSubject({ CN: 'a'.repeat(201) })), '');
  assert.equal(consumerOf(withSubject({ CN: ['Client A', 'Client B'] })), '');
  assert.equal(consumerOf(withSubject({})), '');
});

test('the CN of a real certificate is read', async () => {
  for (const commonName of ['Client A', 'orders/blue', 'x=y, z+q']) {
    const { cert } = await authority.issue({ commonName });
    assert.equal(consumerOf(new X509Certificate(readFileSync(cert))), commonName);
  }
  const { cert } = await authority.issue({ commonName: 'Zoë' });
  assert.equal(consumerOf(new X509Certificate(readFileSync(cert))), '');
});

/** What openssl would refuse to put into a certificate, others may not. */
function withSubject(subject: object): X509Certificate {
  return { toLegacyObject: () => ({ subject }) } as unknown as X509Certificate;
}
