/** Upgrades as a way past the gateway: a tunnel opens only for a WebSocket that the upstream has agreed to; else every byte behind the handshake is read as HTTP, by the gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', secret: 's', keys: [] } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/ws/*', upstream: 'api' },
      { path: '/internal', auth: 'required', upstream: 'api' },
    ],
  },
});

const internal = 'GET /internal HTTP/1.1\r\nHost: a\r\n\r\n';
const http2 = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
const webSocket =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

interface Attack {
  readonly what: string;
  readonly bytes: (path: string) => string;
}

const get = (path: string, fields: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** None of these is a handshake that a WebSocket server must agree to. */
const attacks: readonly Attack[] = [
  {
    what: 'h2c',
    bytes: (path) => get(path, 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
  },
  { what: 'h2c beside websocket', bytes: (path) => get(path, 'Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n') },
  { what: 'websocket beside h2c', bytes: (path) => get(path, 'Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n') },
  {
    what: 'two Upgrade lines',
    bytes: (path) => get(path, 'Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n'),
  },
  { what: 'TLS', bytes: (path) => get(path, 'Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n') },
  { what: 'no Connection', bytes: (path) => get(path, 'Upgrade: websocket\r\n') },
  { what: 'HTTP/1.0', bytes: (path) => get(path, webSocket).replace('HTTP/1.1', 'HTTP/1.0') },
  { what: 'POST', bytes: (path) => get(path, `${webSocket}Content-Length: 0\r\n`).replace('GET', 'POST') },
  { what: 'a body', bytes: (path) => `${get(path, `${webSocket}Content-Length: 2\r\n`)}hi` },
  { what: 'a chunked body', bytes: (path) => `${get(path, `${webSocket}Transfer-Encoding: chunked\r\n`)}0\r\n\r\n` },
];

for (const { what, bytes } of attacks) {
  test(`${what}: an upstream that says 101 to it opens no tunnel`, async () => {
    const path = `/ws/${what.replaceAll(/\W/g, '-')}`;
    upstream.on(path, async (request) => {
      await request.received;
      request.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    });
    const client = await rawClient(gateway.port);
    client.write(bytes(path), http2, internal);
    const answers = await client.responsesUntilClosed(3);
    assert.ok(answers.length > 0 && answers.every(({ status }) => status >= 400), String(answers.map((a) => a.status)));
    for (const request of upstream.requestsTo(path)) {
      // Of several tokens only the one that may pass.
      assert.ok([null, 'websocket'].includes(request.header('upgrade')));
      assert.equal(request.header('http2-settings'), null);
    }
    assert.equal(upstream.saw('PRI * '), false);
    assert.deepEqual(upstream.requestsTo('/internal'), []);
    client.destroy();
  });
}

for (const status of [200, 400, 426, 500]) {
  test(`a handshake that the upstream answers with ${status}: what comes behind it does not reach the upstream as it is`, async () => {
    const path = `/ws/refused-${status}`;
    upstream.on(path, (request) => request.send(response(status, [], 'no')));
    const client = await rawClient(gateway.port);
    client.write(get(path, webSocket.replace('Version: 13', 'Version: 777')));
    const answer = await client.response();
    assert.equal(answer?.status, status);
    client.write(internal);
    // Either the connection has ended, or it is a request like any other, for which a key is missing.
    const next = await client.response().catch(() => null);
    if (next !== null) assert.equal(next.status, 401);
    assert.deepEqual(upstream.requestsTo('/internal'), []);
    client.destroy();
  });
}

test('bytes behind a handshake wait for the 101, and are dropped without it', async () => {
  upstream.on('/ws/eager', (request) => request.send(response(403)));
  const client = await rawClient(gateway.port);
  client.write(get('/ws/eager', webSocket), internal);
  const answers = await client.responsesUntilClosed(2);
  assert.equal(answers[0]?.status, 403);
  assert.ok(answers.slice(1).every(({ status }) => status === 401 || status === 400));
  assert.deepEqual(upstream.requestsTo('/internal'), []);
  client.destroy();
});

test('nothing but HTTP has reached the upstream', () => {
  assert.deepEqual(upstream.violations, []);
});
