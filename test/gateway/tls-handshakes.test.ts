/** Handshakes that go wrong or nowhere: bounded by time and number, counted by their reason, and nobody else's problem. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawClient, rawClient } from '../support/raw-client.ts';
import { askSecurely, type SecureOptions, secureClient } from '../support/secure-client.ts';

const headersMs = 1_500;

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.test'] });
const config = (tls: object, proxy: object = {}): object => ({
  proxy: { tls: { certificates: [certificate], ...tls }, timeouts: { headers: headersMs }, ...proxy },
  routes: [{ path: '/*', respond: { status: 204 } }],
});
const gateway = await startGateway({ config: config({}) });
const strict = await startGateway({ config: config({ minVersion: 'TLSv1.3' }, { limits: { maxConnections: 4 } }) });
const [worker] = gateway.workers();

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
/** The beginning of a client's hello, which announces more. */
const halfHello = Buffer.from('160301020001', 'hex');

async function countOf(reason: string, { adminUrl } = gateway): Promise<number> {
  return await metric(adminUrl, 'tls_handshake_failures_total', { reason });
}

async function counts(reason: string, act: () => Promise<void>): Promise<void> {
  const before = await countOf(reason);
  await act();
  await eventually(async () => ((await countOf(reason)) > before ? true : null), `one more for "${reason}"`);
}

async function fails(options: SecureOptions, port = gateway.port): Promise<void> {
  await assert.rejects(secureClient(port, options));
}

test('plain HTTP on the port is closed without an answer', async () => {
  await counts('not_tls', async () => {
    const client = await rawClient(gateway.port);
    client.write(request);
    await client.closed();
    assert.ok(!client.received.includes('HTTP/'));
  });
});

test('so are bytes that are nothing at all', async () => {
  await counts('not_tls', async () => {
    const client = await rawClient(gateway.port);
    client.write('\u0000\u0001\u0002 what is this?\r\n\r\n');
    await client.closed();
  });
});

test('versions below minVersion are refused', async () => {
  const legacy = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await counts('old_client', () => fails({ ...legacy, maxVersion: 'TLSv1.1' }));
  await fails({ maxVersion: 'TLSv1.2' }, strict.port);
  assert.equal((await askSecurely(strict.port, request)).status, 204);
});

test('a client that speaks HTTP/2 only is told that nobody does here', async () => {
  await counts('no_protocol', () => fails({ ALPNProtocols: ['h2'] }));
});

test('a client that does not trust the certificate says so and leaves', async () => {
  // Node's own clients leave without a word.
  const args = ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-verify_return_error', '-no-CAfile'];
  await counts('refused_by_client', () => assert.rejects(promisify(execFile)('openssl', args)));
});

test('clients that say nothing, or stop in the middle, are closed after timeouts.headers', async () => {
  await counts('timeout', async () => {
    const openedAt = performance.now();
    const silent = await rawClient(gateway.port);
    const stalled = await rawClient(gateway.port);
    stalled.write(halfHello);
    await silent.closed();
    await stalled.closed();
    assert.ok(performance.now() - openedAt >= headersMs - 20);
  });
});

test('clients that leave before they are through are counted too', async () => {
  await counts('closed', async () => {
    const client = await rawClient(gateway.port);
    client.write(halfHello);
    client.reset();
  });
});

test('who has nothing more to say before the handshake is done, as probes of load balancers, is closed at once', async () => {
  for (const said of ['', halfHello]) {
    await counts('closed', async () => {
      const client = await rawClient(gateway.port);
      client.write(said);
      client.end();
      await client.closed();
    });
  }
});

test('a connection counts for maxConnections from its first moment', async () => {
  const clients: RawClient[] = [];
  for (let i = 0; i < 4; i++) clients.push(await rawClient(strict.port));
  const surplus = await rawClient(strict.port);
  await surplus.closed();
  // They have had their time: others come in again.
  for (const client of clients) await client.closed();
  const answer = await eventually(() => askSecurely(strict.port, request).catch(() => null), 'an answer');
  assert.equal(answer.status, 204);
});

test('hundreds of stalled handshakes keep nobody else from being served', async () => {
  const stalled = await Promise.all(Array.from({ length: 300 }, () => rawClient(gateway.port)));
  for (const client of stalled) client.write(halfHello);
  const openedAt = performance.now();
  assert.equal((await askSecurely(gateway.port, request)).status, 204);
  assert.ok(performance.now() - openedAt < headersMs);
  await Promise.all(stalled.map((client) => client.closed()));
});

test('no line of the log, and the worker, have been spent on any of it', () => {
  assert.deepEqual(
    gateway.logs.filter(({ msg }) => String(msg).includes('handshake')),
    [],
  );
  assert.deepEqual(gateway.workers(), [worker]);
});
