/** Which certificate clients get to see: chosen by the name that they ask for, and new ones as soon as their files change. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, type IssuedCertificate } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawClient, rawClient } from '../support/raw-client.ts';
import { secureClient } from '../support/secure-client.ts';

const authority = await createAuthority();

test('the name that is asked for decides, and the first certificate answers where none fits', async () => {
  const first = await authority.issue({ names: ['first.test'] });
  const second = await authority.issue({ names: ['second.test', '*.wild.test'] });
  const exact = await authority.issue({ names: ['exact.wild.test'] });
  const old = await authority.issue({ commonName: 'old.test' });
  const { port } = await startGateway({ config: withCertificates(first, second, exact, old) });
  assert.equal(await shown(port, 'first.test'), 'first.test');
  assert.equal(await shown(port, 'second.test'), 'second.test');
  assert.equal(await shown(port, 'SECOND.test'), 'second.test');
  assert.equal(await shown(port, 'any.wild.test'), 'second.test');
  assert.equal(await shown(port, 'exact.wild.test'), 'exact.wild.test');
  assert.equal(await shown(port, 'old.test'), 'old.test');
  for (const name of ['wild.test', 'a.b.wild.test', 'unknown.test', '']) {
    assert.equal(await shown(port, name), 'first.test', name);
  }
});

test('certificates that change are taken up by themselves, on all workers, and connections stay', async () => {
  const before = await authority.issue({ names: ['before.test'] });
  const after = await authority.issue({ names: ['after.test'] });
  const used = copyTo('rename', before);
  const gateway = await startGateway({ workers: 2, config: withCertificates(used) });
  const open = await secureClient(gateway.port);
  assert.equal(await answer(open), 200);

  renameOver(after.cert, used.cert);
  renameOver(after.key, used.key);
  await showsOnAll(gateway, 'after.test');
  assert.equal(await answer(open), 200);
  assert.equal(open.socket.getPeerX509Certificate()?.subject, 'CN=before.test');
  open.destroy();
  assert.equal(await metric(gateway.adminUrl, 'tls_certificate_reloads_total', { result: 'accepted' }), 1);
  const expiry = await metric(gateway.adminUrl, 'tls_certificate_expiry_timestamp_seconds', { file: used.cert });
  assert.ok(expiry > Date.now() / 1000 + 89 * 86_400 && expiry < Date.now() / 1000 + 91 * 86_400, String(expiry));
});

test('so are those behind a symbolic link that is swapped, as in a Kubernetes secret', async () => {
  const folder = join(authority.folder, 'secret');
  const place = (name: string, { cert, key }: IssuedCertificate): void => {
    mkdirSync(join(folder, name), { recursive: true });
    copyFileSync(cert, join(folder, name, 'tls.crt'));
    copyFileSync(key, join(folder, name, 'tls.key'));
  };
  place('..1', await authority.issue({ names: ['one.test'] }));
  symlinkSync('..1', join(folder, '..data'));
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(folder, file));
  const gateway = await startGateway({
    config: withCertificates({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }),
  });
  assert.equal(await shown(gateway.port), 'one.test');

  place('..2', await authority.issue({ names: ['two.test'] }));
  symlinkSync('..2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  rmSync(join(folder, '..1'), { recursive: true });
  await showsOnAll(gateway, 'two.test');
});

test('while a certificate and its key do not fit the old ones stay in use, which is said once', async () => {
  const before = await authority.issue({ names: ['kept.test'] });
  const after = await authority.issue({ names: ['complete.test'] });
  const used = copyTo('half', before);
  const gateway = await startGateway({ config: withCertificates(used) });
  const complaints = (): unknown[] =>
    gateway.logs.filter(({ msg }) => String(msg).includes('no good')).map(({ error }) => error);

  copyFileSync(after.cert, used.cert);
  await gateway.log(({ msg }) => String(msg).includes('no good'), 'a complaint');
  assert.equal(await shown(gateway.port), 'kept.test');
  writeFileSync(used.cert, readFileSync(after.cert, 'utf8').slice(0, 200));
  await eventually(() => (complaints().length === 2 ? true : null), 'a complaint about the half file');
  assert.deepEqual(complaints()[0], `${used.key} is not the key of ${used.cert}`);
  assert.match(String(complaints()[1]), /holds no certificate/);
  assert.equal(await shown(gateway.port), 'kept.test');

  copyFileSync(after.cert, used.cert);
  copyFileSync(after.key, used.key);
  await showsOnAll(gateway, 'complete.test');
  assert.equal(await metric(gateway.adminUrl, 'tls_certificate_reloads_total', { result: 'rejected' }), 2);
});

test('a worker that is born after the change has the new ones', async () => {
  const used = copyTo('born', await authority.issue({ names: ['father.test'] }));
  const gateway = await startGateway({ config: withCertificates(used) });
  const next = await authority.issue({ names: ['son.test'] });
  renameOver(next.cert, used.cert);
  renameOver(next.key, used.key);
  await showsOnAll(gateway, 'son.test');
  const [worker = 0] = gateway.workers();
  process.kill(worker, 'SIGKILL');
  assert.equal(await shown(gateway.port), 'son.test');
});

test('a reload turns TLS on and off for new connections, and leaves open ones as they are', async () => {
  const used = await authority.issue({ names: ['on.test'] });
  const plain = { ...withCertificates(used), proxy: {} };
  const gateway = await startGateway({ config: plain });
  const early = await rawClient(gateway.port);
  assert.equal(await answer(early), 200);

  assert.equal(await gateway.reload(withCertificates(used)), 'accepted');
  assert.equal(await shown(gateway.port), 'on.test');
  assert.equal(await answer(early), 200);
  const late = await secureClient(gateway.port);
  assert.equal(await answer(late), 200);

  assert.equal(await gateway.reload(plain), 'accepted');
  assert.equal(await answer(await rawClient(gateway.port)), 200);
  assert.equal(await answer(late), 200);
  assert.equal(await answer(early), 200);
  assert.deepEqual(
    gateway.logs.filter((line) => 'needsRestart' in line),
    [],
  );
  early.destroy();
  late.destroy();
});

test('a reload with a certificate that does not fit its key changes nothing, and says why', async () => {
  const good = await authority.issue({ names: ['good.test'] });
  const other = await authority.issue({ names: ['other.test'] });
  const gateway = await startGateway({ config: withCertificates(good) });
  assert.equal(await gateway.reload(withCertificates({ cert: good.cert, key: other.key })), 'rejected');
  await gateway.log(({ msg }) => /proxy\.tls\.certificates\[0\]\.key: .* is not the key of/.test(String(msg)));
  assert.equal(await shown(gateway.port), 'good.test');
});

test('a reload takes up new files of the same name', async () => {
  const used = copyTo('reload', await authority.issue({ names: ['was.test'] }));
  const gateway = await startGateway({ config: withCertificates(used) });
  const next = await authority.issue({ names: ['is.test'] });
  copyFileSync(next.cert, used.cert);
  copyFileSync(next.key, used.key);
  assert.equal(await gateway.reload(withCertificates(used)), 'accepted');
  assert.equal(await shown(gateway.port), 'is.test');
});

function withCertificates(...certificates: readonly IssuedCertificate[]): object {
  return {
    proxy: { tls: { certificates } },
    routes: [{ path: '/*', respond: { status: 200 } }],
  };
}

/** Under names of its own, so that a test can change what they hold. */
function copyTo(name: string, { cert, key }: IssuedCertificate): IssuedCertificate {
  const copies = { cert: join(authority.folder, `${name}.pem`), key: join(authority.folder, `${name}.key`) };
  copyFileSync(cert, copies.cert);
  copyFileSync(key, copies.key);
  return copies;
}

function renameOver(file: string, target: string): void {
  copyFileSync(file, `${target}.new`);
  renameSync(`${target}.new`, target);
}

/** The CN of the certificate that a client gets to see. */
async function shown(port: number, servername = ''): Promise<string> {
  const client = await secureClient(port, { servername });
  const subject = client.socket.getPeerX509Certificate()?.subject ?? '';
  client.destroy();
  return subject.replace('CN=', '');
}

/** Many times in a row, since any worker may accept. */
async function showsOnAll(gateway: Gateway, name: string): Promise<void> {
  await eventually(async () => {
    for (let i = 0; i < 8; i++) if ((await shown(gateway.port)) !== name) return null;
    return true;
  }, `the certificate of ${name}`);
}

async function answer(client: RawClient): Promise<number | undefined> {
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  return (await client.response())?.status;
}
