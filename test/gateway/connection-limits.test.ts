/** How many connections there may be: in all, and of one address. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { RawClient } from '../support/raw-client.ts';
import { secureClient } from '../support/secure-client.ts';

const config = (limits: object, proxy: object = {}): object => ({
  proxy: { limits, ...proxy },
  routes: [{ path: '/*', respond: { status: 204 } }],
});
const gateway = await startGateway({ config: config({ maxConnectionsPerIp: 3 }, { trustedProxies: ['127.0.0.9'] }) });
const { port } = gateway;

/** A client of an address of its own: all of 127.0.0.0/8 is this machine. */
function clientAt(localAddress: string, to = port): RawClient {
  return new RawClient(connect({ host: '127.0.0.1', port: to, localAddress, allowHalfOpen: true }) as Socket);
}

async function isServed(client: RawClient): Promise<boolean> {
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return (await client.response()) !== null;
}

async function refused(reason: string, { adminUrl } = gateway): Promise<number> {
  return await metric(adminUrl, 'rejected_connections_total', { reason });
}

test('a connection above maxConnectionsPerIp is closed at once, those of others are served', async () => {
  const clients = [1, 2, 3].map(() => clientAt('127.0.0.2'));
  for (const client of clients) assert.equal(await isServed(client), true);
  assert.equal(await isServed(clientAt('127.0.0.2')), false);
  assert.equal(await isServed(clientAt('127.0.0.2')), false);
  assert.equal(await isServed(clientAt('127.0.0.3')), true);
  for (const client of clients) assert.equal(await isServed(client), true);
  for (const client of clients) client.destroy();
  await eventually(async () => ((await refused('max_connections_per_ip')) === 2 ? true : null), 'both to be counted');
});

test('who closes connections may open others', async () => {
  const clients = [1, 2, 3].map(() => clientAt('127.0.0.4'));
  for (const client of clients) assert.equal(await isServed(client), true);
  clients[0]?.destroy();
  await eventually(async () => ((await isServed(clientAt('127.0.0.4'))) ? true : null), 'a new connection');
});

test('a trusted proxy brings the connections of many', async () => {
  const clients = Array.from({ length: 10 }, () => clientAt('127.0.0.9'));
  for (const client of clients) assert.equal(await isServed(client), true);
  for (const client of clients) client.destroy();
});

test('that a limit is reached is said once, not for each connection', () => {
  const lines = gateway.logs.filter(({ msg }) => String(msg).startsWith('connections are turned away'));
  assert.deepEqual(
    lines.map(({ level, limit, peerIp }) => [level, limit, peerIp]),
    [[40, 'proxy.limits.maxConnectionsPerIp', '127.0.0.2']],
  );
});

test('a reload changes the limit, and counts the connections that are open already', async () => {
  const changing = await startGateway({ config: config({}) });
  const clients = Array.from({ length: 4 }, () => clientAt('127.0.0.5', changing.port));
  for (const client of clients) assert.equal(await isServed(client), true);
  assert.equal(await changing.reload(config({ maxConnectionsPerIp: 4 })), 'accepted');
  assert.equal(await isServed(clientAt('127.0.0.5', changing.port)), false);
  for (const client of clients) assert.equal(await isServed(client), true);
  assert.equal(await changing.reload(config({ maxConnectionsPerIp: 5 })), 'accepted');
  assert.equal(await isServed(clientAt('127.0.0.5', changing.port)), true);
});

test('over HTTPS a handshake counts', async () => {
  const authority = await createAuthority();
  const certificates = [await authority.issue({ names: ['gateway.test'] })];
  const secure = await startGateway({ config: config({ maxConnectionsPerIp: 2 }, { tls: { certificates } }) });
  const silent = clientAt('127.0.0.6', secure.port);
  const open = await secureClient(secure.port, { localAddress: '127.0.0.6' });
  assert.equal(await isServed(open), true);
  await assert.rejects(secureClient(secure.port, { localAddress: '127.0.0.6' }));
  silent.destroy();
  open.destroy();
});

test('two thousand idle connections cost others nothing but their number', async () => {
  const limited = await startGateway({
    config: config({ maxConnections: 500, maxConnectionsPerIp: 400 }, { timeouts: { headers: 20_000 } }),
  });
  const sockets = Array.from({ length: 2_000 }, () => connect({ host: '127.0.0.1', port: limited.port }));
  for (const socket of sockets) socket.on('error', () => {});
  const isOver = async (): Promise<true | null> => (await refused('max_connections_per_ip', limited)) === 1_600 || null;
  await eventually(isOver, 'all above the limit to be turned away', 30_000);
  const startedAt = performance.now();
  for (let i = 0; i < 50; i++) {
    const client = clientAt('127.0.0.7', limited.port);
    assert.equal(await isServed(client), true);
    client.destroy();
  }
  assert.ok(performance.now() - startedAt < 10_000);

  // The last hundred places, and then none.
  const others = Array.from({ length: 150 }, (_, i) => clientAt(`127.0.1.${i}`, limited.port));
  await eventually(async () => ((await refused('max_connections', limited)) >= 50 ? true : null), 'the total to hold');
  for (const { socket } of others) socket.destroy();
  for (const socket of sockets) socket.destroy();
  await eventually(async () => ((await isServed(clientAt('127.0.0.8', limited.port))) ? true : null), 'places again');
});
