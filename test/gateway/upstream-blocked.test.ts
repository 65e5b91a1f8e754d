/** What the config blocks is not connected to, by whatever name, and the client gets 502 upstream_blocked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const byName = `http://localhost:${upstream.port}`;
const loopback = ['127.0.0.0/8', '::1'];

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const upgrade =
  'GET /named/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const blocking = await startGateway({
  config: {
    security: { blockedIPs: loopback },
    upstreams: [
      { name: 'named', url: byName },
      { name: 'secret', url: byName.replace('http:', 'https:') },
      { name: 'echo', builtin: 'echo' },
    ],
    routes: [
      { path: '/named/*', upstream: 'named' },
      { path: '/secret', upstream: 'secret' },
      { path: '/echo', upstream: 'echo' },
    ],
  },
});

test('a name that resolves to a blocked address: 502, without the address, and nothing reaches it', async () => {
  const answer = await ask(blocking.port, get('/named/a'));
  assertBlocked(answer);
  assert.doesNotMatch(answer.text(), /127\.0\.0\.1|localhost/);
  assert.equal(upstream.connections.length, 0);
});

test('a request with a body gets the same, and the connection of the client goes on', async () => {
  const client = await rawClient(blocking.port);
  client.write('POST /named/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  const answer = await client.finalResponse('POST');
  assert.ok(answer !== null);
  assertBlocked(answer);
  client.write(get('/echo'));
  assert.equal((await client.finalResponse())?.status, 200);
  client.destroy();
  assert.equal(upstream.connections.length, 0);
});

test('the same for TLS, before a byte of a handshake', async () => {
  assertBlocked(await ask(blocking.port, get('/secret')));
  assert.equal(upstream.connections.length, 0);
});

test('the same for a WebSocket', async () => {
  assertBlocked(await ask(blocking.port, upgrade));
  assert.equal(upstream.connections.length, 0);
});

test('the upstream inside the gateway is on loopback, and works', async () => {
  assert.equal((await ask(blocking.port, get('/echo'))).status, 200);
});

test('deep health says DOWN on both listeners, and knocks at nothing', async () => {
  const own = (await (await fetch(`${blocking.url}/health/deep`)).json()) as { upstreams: object };
  assert.deepEqual(own.upstreams, { named: 'DOWN', secret: 'DOWN', echo: 'UP' });
  const admin = (await (await fetch(`${blocking.adminUrl}/health/deep`)).json()) as {
    upstreams: { named: { targets: object[] } };
  };
  assert.deepEqual(admin.upstreams.named.targets, [
    { target: `localhost:${upstream.port}`, status: 'DOWN', reason: 'SLUICE_ADDRESS_BLOCKED' },
  ]);
  assert.equal(upstream.connections.length, 0);
});

test('the metric says blocked for every request, the log says so once', async () => {
  const before = await metric(blocking.url, 'upstream_requests_total', { upstream: 'named', outcome: 'blocked' });
  for (let i = 0; i < 3; i++) await ask(blocking.port, get('/named/c'));
  const after = await metric(blocking.url, 'upstream_requests_total', { upstream: 'named', outcome: 'blocked' });
  assert.equal(after - before, 3);
  const lines = blocking.logs.filter((line) => line['msg'] !== 'request' && line['upstream'] === 'named');
  const warnings = lines.filter((line) => String(line['msg']).includes('upstream blocked'));
  assert.equal(warnings.length, 1, JSON.stringify(lines));
  assert.match(String(warnings[0]?.['reason']), /localhost resolves to .*127\.0\.0\.1/);
});

test('an address of which only another one is blocked is reached', async () => {
  const gateway = await startGateway({
    config: {
      security: { blockedIPs: ['127.0.0.2', '10.0.0.0/8'] },
      upstreams: [{ name: 'named', url: byName }],
      routes: [{ path: '/*', upstream: 'named' }],
    },
  });
  assert.equal((await ask(gateway.port, get('/open'))).text(), 'ok');
  assert.ok(upstream.saw('GET /open '));
  await gateway.stop();
});

test('with allowedHosts only upstreams on the list are reached, by exact name, address or suffix', async () => {
  const other = await recordingUpstream();
  const gateway = await startGateway({
    config: {
      security: { allowedHosts: ['127.0.0.1', '*.allowed.test'] },
      upstreams: [
        { name: 'listed', url: other.url },
        { name: 'unlisted', url: byName },
        { name: 'suffix', url: `http://nowhere.allowed.test:${upstream.port}` },
        { name: 'bare', url: `http://allowed.test:${upstream.port}` },
        { name: 'echo', builtin: 'echo' },
      ],
      routes: ['listed', 'unlisted', 'suffix', 'bare', 'echo'].map((name) => ({ path: `/${name}`, upstream: name })),
    },
  });
  const seen = upstream.connections.length;
  assert.equal((await ask(gateway.port, get('/listed'))).text(), 'ok');
  assert.equal((await ask(gateway.port, get('/echo'))).status, 200);
  assertBlocked(await ask(gateway.port, get('/unlisted')));
  assertBlocked(await ask(gateway.port, get('/bare')));
  // Listed, but there is no such name.
  assert.equal((await ask(gateway.port, get('/suffix'))).json()['code'], 'upstream_unreachable');
  assert.equal(upstream.connections.length, seen);
  await gateway.stop();
});

function assertBlocked(answer: RawResponse): void {
  assert.equal(answer.status, 502);
  assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.json()['code'], 'upstream_blocked');
}
