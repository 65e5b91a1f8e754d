/** Upstreams by name: all addresses are used, answers are renewed, and an outage of DNS is not one of the gateway. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';

interface Host {
  readonly address: string;
  requests: number;
  /** Open connections. */
  connections: number;
}

/** Servers on one port of several loopback addresses. */
async function startHosts(addresses: readonly string[]): Promise<{ hosts: Host[]; port: number }> {
  const hosts: Host[] = [];
  let port = 0;
  for (const address of addresses) {
    const host: Host = { address, requests: 0, connections: 0 };
    const server: Server = createServer((_, answer) => {
      host.requests++;
      // Long enough for requests that come together to need connections of their own.
      setTimeout(() => answer.end(address), 20);
    });
    server.keepAliveTimeout = 60_000;
    server.on('connection', (socket) => {
      host.connections++;
      socket.on('close', () => host.connections--);
    });
    server.listen(port, address);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    after(() => {
      server.close();
      server.closeAllConnections();
    });
    hosts.push(host);
  }
  return { hosts, port };
}

const dns = await startDnsServer();
const { hosts, port } = await startHosts(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
const [one, two, three] = hosts as [Host, Host, Host];
dns.names.set('api.test', [one.address, two.address]);
dns.names.set('inside.test', ['127.0.0.1', '169.254.169.254']);
dns.names.set('metadata.test', ['169.254.169.254']);
const gateway = await startGateway({
  config: {
    proxy: { dns: { servers: [dns.address] } },
    upstreams: ['api', 'inside', 'metadata', 'nobody'].map((name) => ({ name, url: `http://${name}.test:${port}` })),
    routes: ['api', 'inside', 'metadata', 'nobody'].map((name) => ({ path: `/${name}`, upstream: name })),
  },
});

async function askTogether(count: number): Promise<Set<string>> {
  const answers = Array.from({ length: count }, async () => await (await fetch(`${gateway.url}/api`)).text());
  return new Set(await Promise.all(answers));
}

test('connections are spread over all addresses of a name', async () => {
  assert.deepEqual(await askTogether(12), new Set([one.address, two.address]));
  assert.ok(Math.abs(one.connections - two.connections) <= 2, `${one.connections} and ${two.connections}`);
});

test('a name that moves: new connections go to its new addresses, and idle ones to the old are closed', async () => {
  dns.names.set('api.test', [two.address, three.address]);
  await gateway.log(
    (line) => line['hostname'] === 'api.test' && line['msg'] === 'the name has other addresses',
    'the news',
  );
  await eventually(() => (one.connections === 0 ? true : null), 'the old connections to close', 3_000);
  const before = one.requests;
  const answered = await askTogether(24);
  assert.ok(answered.has(three.address));
  assert.equal(one.requests, before);
  assert.ok(two.connections > 0);
});

test('a DNS server that fails, falls silent or forgets the name: the last addresses stay in use', async () => {
  for (const mood of ['fails', 'silent'] as const) {
    dns.mood = mood;
    const asked = dns.questions.length;
    await eventually(() => (dns.questions.length > asked ? true : null), 'a question');
    assert.ok((await askTogether(4)).size > 0);
  }
  const isStale = (line: Record<string, unknown>) => /last addresses stay in use/.test(String(line['msg']));
  assert.equal((await gateway.log(isStale, 'the warning'))['level'], 40);
  dns.mood = 'answers';
  await gateway.log((line) => line['msg'] === 'the name is resolved again', 'the return');
  assert.ok((await askTogether(4)).size > 0);
});

test('an answer without a good address is refused, and of a mixed one only the good ones are used', async () => {
  assert.equal((await fetch(`${gateway.url}/metadata`)).status, 502);
  const mixed = await fetch(`${gateway.url}/inside`);
  assert.deepEqual([mixed.status, await mixed.text()], [200, '127.0.0.1']);
});

test('a name that nobody knows is 502 upstream_unreachable', async () => {
  const answer = await fetch(`${gateway.url}/nobody`);
  assert.equal(answer.status, 502);
  assert.equal(((await answer.json()) as { code: string }).code, 'upstream_unreachable');
});
