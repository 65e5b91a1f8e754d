/** Which Host an upstream is asked for: that of its url, or with preserveHost the client's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const byName = `localhost:${upstream.port}`;
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'plain', url: upstream.url },
      { name: 'named', url: `http://LocalHost:${upstream.port}/base` },
      { name: 'preserving', url: upstream.url, preserveHost: true },
    ],
    routes: [
      { path: '/plain', upstream: 'plain' },
      { path: '/named', upstream: 'named' },
      { path: '/by-upstream', upstream: 'preserving' },
      { path: '/by-route', upstream: 'plain', preserveHost: true },
      { path: '/not-by-route', upstream: 'preserving', preserveHost: false },
    ],
  },
});

for (const [path, sent, arrives] of [
  ['/plain', 'Shop.Example:8080', `127.0.0.1:${upstream.port}`],
  ['/named', 'shop.example', byName],
  ['/by-upstream', 'Shop.Example:8080', 'Shop.Example:8080'],
  ['/by-route', 'Shop.Example:8080', 'Shop.Example:8080'],
  ['/by-route', '[::1]:8080', '[::1]:8080'],
  ['/not-by-route', 'shop.example', `127.0.0.1:${upstream.port}`],
] as const) {
  test(`a request for ${sent} on ${path} arrives with Host: ${arrives}`, async () => {
    const request = await requestFor(path, `GET ${path} HTTP/1.1\r\nHost: ${sent}\r\n\r\n`);
    assert.deepEqual(request.values('host'), [arrives]);
    assert.deepEqual(request.values('x-forwarded-host'), [sent]);
  });
}

test('Host comes first, as RFC 9110 asks', async () => {
  const request = await requestFor('/plain', 'GET /plain HTTP/1.1\r\nX-First: 1\r\nHost: a\r\n\r\n');
  assert.equal(request.fields[0]?.[0].toLowerCase(), 'host');
});

test('an HTTP/1.0 client that names no host has none to preserve', async () => {
  const request = await requestFor('/base/named', 'GET /named HTTP/1.0\r\n\r\n');
  assert.deepEqual(request.values('host'), [byName]);
  const preserving = await requestFor('/by-route', 'GET /by-route HTTP/1.0\r\n\r\n');
  assert.deepEqual(preserving.values('host'), [`127.0.0.1:${upstream.port}`]);
});

test('the host of a target in absolute form is the one that is preserved', async () => {
  const target = 'GET http://shop.example/by-route HTTP/1.1\r\nHost: shop.example\r\n\r\n';
  const request = await requestFor('/by-route', target);
  assert.deepEqual(request.values('host'), ['shop.example']);
  assert.equal(request.target, '/by-route');
});

/** The request that reaches the upstream, wherever earlier ones went. */
async function requestFor(path: string, bytes: string): Promise<ReceivedRequest> {
  const before = upstream.requests.length;
  assert.equal((await ask(gateway.port, bytes)).status, 200, path);
  return upstream.requests[before] as ReceivedRequest;
}
