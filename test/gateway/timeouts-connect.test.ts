/** An upstream that does not even accept the connection is given up after timeouts.connect. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { openBlackHole } from '../support/black-hole.ts';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';

const port = await openBlackHole();
/** Accepts, and says nothing: a handshake has no end. */
const mute = createServer(() => {}).listen(0, '127.0.0.1');
await once(mute, 'listening');
after(() => mute.close());
const mutePort = (mute.address() as AddressInfo).port;
const gateway = await startGateway({
  config: {
    // Far beyond the deadline of these tests: the connect timeout alone can end the wait.
    proxy: { timeout: 60_000, timeouts: { connect: 300, dns: 60_000 } },
    upstreams: [
      { name: 'by-address', url: `http://127.0.0.1:${port}`, timeout: 60_000 },
      { name: 'by-name', url: `http://localhost:${port}`, timeout: 60_000 },
      { name: 'by-tls', url: `https://127.0.0.1:${port}`, timeout: 60_000 },
      { name: 'handshake', url: `https://127.0.0.1:${mutePort}`, timeout: 60_000 },
      { name: 'impatient', url: `http://127.0.0.1:${port}`, timeout: 100 },
    ],
    routes: [
      { path: '/by-address', upstream: 'by-address' },
      { path: '/by-name', upstream: 'by-name' },
      { path: '/by-tls', upstream: 'by-tls' },
      { path: '/handshake', upstream: 'handshake' },
      { path: '/impatient', upstream: 'impatient' },
    ],
  },
});
const [worker] = gateway.workers();

for (const path of ['/by-address', '/by-name', '/by-tls', '/handshake', '/impatient']) {
  for (const method of ['GET', 'POST'] as const) {
    test(`${method} ${path}: 504 upstream_timeout`, async () => {
      const client = await rawClient(gateway.port);
      const body = method === 'POST' ? 'Content-Length: 2\r\n\r\nhi' : '\r\n';
      const startedAt = performance.now();
      client.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${body}`);
      const answer = await client.finalResponse();
      assert.equal(answer?.status, 504, answer?.text());
      assert.equal(answer.json()['code'], 'upstream_timeout');
      assert.doesNotMatch(answer.text(), new RegExp(`127\\.0\\.0\\.1|localhost|${port}`));
      assert.ok(performance.now() - startedAt >= (path === '/impatient' ? 90 : 290));
      client.destroy();
    });
  }
}

test('the worker has lived through all of it', () => {
  assert.deepEqual(gateway.workers(), [worker]);
});
