/** Redis over TLS: whom the gateway trusts, and how it shows who it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { RedisConfig } from '../../../src/contracts/config.ts';
import { RedisStore } from '../../../src/state/redis-store.ts';
import { type Authority, createAuthority, type IssuedCertificate } from '../../support/certificates.ts';
import { freePorts } from '../../support/ports.ts';
import { startRedis } from '../../support/redis.ts';
import { redisConfig } from '../../support/redis-config.ts';

const authority = await createAuthority();
const server = await authority.issue({ names: ['127.0.0.1', 'redis.internal'] });
const client = await authority.issue({ names: ['gateway'] });

test('a Redis whose certificate comes from the authority of the config is up', async (t) => {
  const port = await startTlsRedis(authority, server);
  const { store, reasons } = await open(t, { url: `rediss://127.0.0.1:${port}`, tls: tlsOf({ ca: authority.ca }) });
  assert.equal(store.status, 'up', reasons.join());
});

test('one of an authority that nobody knows is away, and says why', async (t) => {
  const port = await startTlsRedis(authority, server);
  const { store, reasons } = await open(t, { url: `rediss://127.0.0.1:${port}` });
  assert.equal(store.status, 'away');
  assert.match(reasons.join(), /certificate/);
});

test('one whose certificate has another name is away, unless that name is asked for', async (t) => {
  const other = await authority.issue({ names: ['redis.internal'] });
  const port = await startTlsRedis(authority, other);
  const url = `rediss://127.0.0.1:${port}`;
  const { store, reasons } = await open(t, { url, tls: tlsOf({ ca: authority.ca }) });
  assert.equal(store.status, 'away');
  assert.match(reasons.join(), /altnames|IP/);
  const named = await open(t, { url, tls: tlsOf({ ca: authority.ca, servername: 'redis.internal' }) });
  assert.equal(named.store.status, 'up', named.reasons.join());
});

test('one that wants a certificate sees that of the config', async (t) => {
  const port = await startTlsRedis(authority, server, 'yes');
  const url = `rediss://127.0.0.1:${port}`;
  const without = await open(t, { url, tls: tlsOf({ ca: authority.ca }) });
  assert.equal(without.store.status, 'away');
  const shown = await open(t, { url, tls: tlsOf({ ca: authority.ca, own: client }) });
  assert.equal(shown.store.status, 'up', shown.reasons.join());
});

async function startTlsRedis({ ca }: Authority, { cert, key }: IssuedCertificate, clients = 'no'): Promise<number> {
  const [port = 0] = await freePorts(1);
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  await startRedis({
    port,
    args: ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', clients],
  });
  return port;
}

function tlsOf({
  ca,
  own,
  servername,
}: {
  ca: string;
  own?: IssuedCertificate;
  servername?: string;
}): RedisConfig['tls'] {
  const read = (file: string) => ({ file, pem: readFileSync(file, 'latin1') });
  return {
    ca: read(ca),
    cert: own === undefined ? null : read(own.cert),
    key: own === undefined ? null : read(own.key),
    servername: servername ?? null,
    verify: true,
  };
}

async function open(t: TestContext, config: Partial<RedisConfig>) {
  const reasons: string[] = [];
  const store = new RedisStore(redisConfig(config), (_, reason) => reasons.push(reason));
  t.after(() => store.close());
  await store.started;
  return { store, reasons };
}
