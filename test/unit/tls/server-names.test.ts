/** Names in certificates against names that clients ask for. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesOf, ServerNames } from '../../../src/tls/server-names.ts';
import { type CertificateRequest, createAuthority } from '../../support/certificates.ts';

const authority = await createAuthority();

async function namesIn(request: CertificateRequest): Promise<string[]> {
  return namesOf(new X509Certificate(readFileSync((await authority.issue(request)).cert)));
}

test('a certificate is good for the DNS names of its subjectAltName, whatever its CN says', async () => {
  const names = ['a.test', '*.B.test', '10.0.0.1'];
  assert.deepEqual(await namesIn({ names, commonName: 'c.test' }), ['a.test', '*.b.test']);
});

test('one without any is good for its CN', async () => {
  assert.deepEqual(await namesIn({ commonName: 'Old.test' }), ['old.test']);
  assert.deepEqual(await namesIn({ names: ['10.0.0.1'], commonName: 'old.test' }), ['old.test']);
});

const names = new ServerNames<string>();
names.add(['a.test', '*.b.test'], 'first');
names.add(['a.test', 'x.b.test', '*.a.test'], 'second');

const answers: readonly (readonly [asked: string, found: string | null])[] = [
  ['a.test', 'first'],
  ['A.TEST', 'first'],
  ['a.test.', 'first'],
  ['y.b.test', 'first'],
  ['x.b.test', 'second'],
  ['y.a.test', 'second'],
  ['b.test', null],
  ['.b.test', null],
  ['z.y.b.test', null],
  ['test', null],
  ['', null],
  ['*.b.test', 'first'],
];

for (const [asked, found] of answers) {
  test(`"${asked}" finds ${found ?? 'none'}`, () => assert.equal(names.find(asked), found));
}

test('a wildcard stands for one label, whatever the label is', () => {
  const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
  fc.assert(
    fc.property(label, label, label, (one, two, top) => {
      const table = new ServerNames<true>();
      table.add([`*.${two}.${top}`], true);
      assert.equal(table.find(`${one}.${two}.${top}`), true);
      assert.equal(table.find(`${two}.${top}`), null);
      assert.equal(table.find(`${one}.${one}.${two}.${top}`), null);
    }),
  );
});
