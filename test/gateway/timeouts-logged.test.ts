/** The log says which time was up: each limit by its own name, each against an upstream that stalls just there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBlackHole } from '../support/black-hole.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const longMs = 60_000;
const upstream = await recordingUpstream();
const dns = await startDnsServer();
dns.mood = 'silent';
const gateway = await startGateway({
  config: {
    proxy: { timeout: longMs, timeouts: { dns: 300, connect: 300, idle: 500 }, dns: { servers: [dns.address] } },
    upstreams: [
      { name: 'nameless', url: 'http://nobody.tells.example:8080', timeout: longMs },
      { name: 'unreachable', url: `http://127.0.0.1:${await openBlackHole()}`, timeout: longMs },
      { name: 'brisk', url: upstream.url, timeout: 300 },
      { name: 'patient', url: upstream.url, timeout: longMs },
    ],
    routes: [
      { path: '/dns', upstream: 'nameless' },
      { path: '/connect', upstream: 'unreachable' },
      { path: '/try', upstream: 'brisk' },
      { path: '/exchange', upstream: 'patient', timeout: 300 },
      { path: '/idle', upstream: 'patient' },
      { path: '/upload', upstream: 'patient', maxBodySize: '100mb' },
    ],
  },
});
upstream.on('/try', () => {});
upstream.on('/exchange', () => {});
upstream.on('/idle', (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'));
upstream.on('/upload', (request) => void request.connection.socket.pause());

for (const [path, error, outcome, name] of [
  ['/dns', 'SLUICE_DNS_TIMEOUT', 'timeout', 'nameless'],
  ['/connect', 'ETIMEDOUT', 'timeout', 'unreachable'],
  ['/try', 'SLUICE_TRY_TIMEOUT', 'timeout', 'brisk'],
  // The try had all of that time: it is the upstream's doing.
  ['/exchange', 'SLUICE_EXCHANGE_TIMEOUT', 'timeout', 'patient'],
  ['/idle', 'SLUICE_IDLE_TIMEOUT', 'success', 'patient'],
] as const) {
  test(`${path}: ${error}`, async () => {
    const before = await metric(gateway.url, 'upstream_requests_total', { upstream: name, outcome });
    const client = await rawClient(gateway.port);
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: of${path.slice(1)}\r\n\r\n`);
    await client.response();
    client.destroy();
    const line = await gateway.accessLog(`of${path.slice(1)}`);
    assert.deepEqual([line['code'], line['error']], ['upstream_timeout', error]);
    assert.equal((await metric(gateway.url, 'upstream_requests_total', { upstream: name, outcome })) - before, 1);
  });
}

test('/upload: SLUICE_UPLOAD_TIMEOUT, when the upstream takes no more of a body', async () => {
  const client = await rawClient(gateway.port);
  client.socket.on('error', () => {});
  const bytes = 30 * 1024 * 1024;
  client.write(`POST /upload HTTP/1.1\r\nHost: a\r\nX-Request-Id: upload\r\nContent-Length: ${bytes}\r\n\r\n`);
  client.socket.write(Buffer.alloc(bytes));
  const line = await gateway.accessLog('upload');
  assert.deepEqual([line['status'], line['code'], line['error']], [504, 'upstream_timeout', 'SLUICE_UPLOAD_TIMEOUT']);
  client.destroy();
});
