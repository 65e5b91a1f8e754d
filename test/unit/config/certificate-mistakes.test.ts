/** What can be wrong with the PEM files that a config names, and what is said about it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '../../support/certificates.ts';
import { judge } from './judge.ts';

const authority = await createAuthority();
const { folder, ca } = authority;
const [good, other, expired, weak] = await Promise.all([
  authority.issue({ names: ['gateway'] }),
  authority.issue({ names: ['other'] }),
  authority.issue({ names: ['gateway'], expired: true }),
  authority.issue({ names: ['gateway'], newKey: ['rsa:512'] }),
]);
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const encryptedKey = join(folder, 'encrypted.key');
execFileSync('openssl', ['pkey', '-in', good.key, '-aes256', '-passout', 'pass:s3cret', '-out', encryptedKey]);
const pem = (path: string): string => readFileSync(path, 'utf8');
const text = file('notes.txt', 's3cret, and no PEM\n');
const broken = file('broken.pem', pem(good.cert).replace(/\n.{20}/, '\ns3cretsecrets3cretse'));

interface Mistake {
  readonly title: string;
  readonly tls: Readonly<Record<string, string>>;
  /** With the file that is named at the place, which is different each time. */
  readonly says: string | null;
}

const mistakes: readonly Mistake[] = [
  { title: 'files that are good', tls: { ca, ...good }, says: null },
  { title: 'certificate and key in one file', tls: both(file('both.pem', pem(good.cert) + pem(good.key))), says: null },
  { title: 'a chain', tls: { ...good, cert: file('chain.pem', pem(good.cert) + pem(ca)) }, says: null },
  {
    title: 'a text as authority',
    tls: { ca: text },
    says: `.ca: "${text}" holds no certificate; expected PEM: -----BEGIN CERTIFICATE-----`,
  },
  { title: 'a broken block', tls: { ca: broken }, says: `.ca: "${broken}" holds a certificate that can't be read` },
  {
    title: 'a text as key',
    tls: { ...good, key: text },
    says: `.key: "${text}" holds no private key; expected PEM: -----BEGIN PRIVATE KEY-----`,
  },
  {
    title: 'a key with a passphrase',
    tls: { ...good, key: encryptedKey },
    says: `.key: "${encryptedKey}" is encrypted, and nobody is there to type its passphrase; expected a key without one, that only the gateway may read: openssl pkey -in ENCRYPTED -out PLAIN`,
  },
  {
    title: "another one's key",
    tls: { ...good, key: other.key },
    says: `.key: "${other.key}" is not the key of "${good.cert}"; expected the certificate's own key, and the own certificate before those of its authorities`,
  },
  { title: 'a folder', tls: { ca: folder }, says: `.ca: "${folder}" is a folder, not a file` },
];

for (const { title, tls, says } of mistakes) {
  test(title, () => {
    const found = judgeTls(tls);
    assert.deepEqual(found, says === null ? [] : [`upstreams[0].tls${says}`]);
  });
}

test('what has expired is a warning: it may be for the other side to say', () => {
  const [line, ...rest] = judgeTls({ ca, ...expired }, 'with severity');
  assert.deepEqual(rest, []);
  assert.match(line ?? '', /^warning: .*\.cert: ".*" has expired: it ended on \d{4}-\d\d-\d\d$/);
});

test('so is what expires within 30 days', async () => {
  const soon = await authority.issue({ names: ['gateway'], days: 29 });
  const [line, ...rest] = judgeTls({ ca, ...soon }, 'with severity');
  assert.deepEqual(rest, []);
  assert.match(line ?? '', /^warning: .*\.cert: ".*" expires soon: it ends on \d{4}-\d\d-\d\d$/);
});

test('of a bundle of authorities some may have expired, not all', () => {
  const mixed = file('mixed.pem', pem(expired.cert) + pem(ca));
  assert.deepEqual(judgeTls({ ca: mixed }), []);
  assert.match(judgeTls({ ca: expired.cert }, 'with severity')[0] ?? '', /^warning: .*\.ca: ".*" has expired/);
});

test('what OpenSSL finds too weak is refused in its words', () => {
  assert.match(judgeTls({ ...weak })[0] ?? '', /\.cert: ".*" can't be used: .*key too small/);
});

test('certificates of the listener are judged alike', () => {
  const certificates = [{ cert: good.cert, key: other.key }];
  const found = judge(JSON.stringify({ proxy: { tls: { certificates } }, routes }));
  assert.match(found.join('\n'), /proxy\.tls\.certificates\[0\]\.key: ".*" is not the key of/);
});

const routes = [{ path: '/*', respond: { status: 204 } }];

function both(path: string): { cert: string; key: string } {
  return { cert: path, key: path };
}

/** Without the place, which is always the same file. */
function judgeTls(tls: object, form: 'with severity' | 'without' = 'without'): string[] {
  const found = judge(
    JSON.stringify({
      upstreams: [{ name: 'api', url: 'https://api', tls }],
      routes: [{ path: '/*', upstream: 'api' }],
    }),
  );
  assert.doesNotMatch(found.join('\n'), /s3cret/);
  return found.map((line) => line.replace(form === 'without' ? /^\S+ (warning: )?/ : /^\S+ /, ''));
}
