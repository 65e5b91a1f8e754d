/** Health and metrics on the proxy port: they win over routes however they are asked for, and when turned off belong to the routes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const config = (endpoints: object): object => ({
  proxy: { endpoints },
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [
    { path: '/*', upstream: 'api' },
    { path: '/health/live', upstream: 'api' },
    { path: '/metrics', host: 'metrics.example', upstream: 'api' },
  ],
});
const gateway = await startGateway({ config: config({}) });
const without = await startGateway({ config: config({ health: false, metrics: false }) });

test('they win over routes, also over more specific ones, and in any spelling', async () => {
  for (const path of [
    '/health/live',
    '/health/ready',
    '/health/deep',
    '/health/live?x',
    '/health/%6Cive',
    '/x/../metrics',
  ]) {
    const answer = await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: metrics.example\r\n\r\n`);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.header('cache-control'), 'no-store');
    assert.notEqual(answer.header('x-request-id'), null);
  }
  assert.equal(upstream.requests.length, 0);
});

test('live, ready and metrics answer in their formats', async () => {
  const live = await ask(gateway.port, 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(live.json()['status'], 'UP');
  assert.match(String(live.json()['timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const ready = await ask(gateway.port, 'GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(ready.json(), { status: 'UP', checks: { config: 'UP', upstreams: 'UP' } });
  const metrics = await ask(gateway.port, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(metrics.header('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(metrics.text(), /^# TYPE http_requests_total counter$/m);
});

test('HEAD gets the head alone, and other methods 405', async () => {
  const client = await rawClient(gateway.port);
  for (const path of ['/health/ready', '/metrics']) {
    client.write(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal((await client.response('HEAD'))?.status, 200);
    client.write(`DELETE ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const refused = await client.response();
    assert.equal(refused?.status, 405);
    assert.equal(refused.header('allow'), 'GET, HEAD');
  }
  client.destroy();
  assert.equal(upstream.requests.length, 0);
});

test('their neighbours belong to the routes', async () => {
  for (const path of ['/health', '/health/', '/health/live/x', '/metrics/', '/Metrics']) {
    assert.equal((await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).text(), 'ok', path);
  }
});

test('when turned off their paths belong to the routes, and the admin listener has them still', async () => {
  for (const path of ['/health/live', '/health/ready', '/metrics']) {
    assert.equal(
      (await ask(without.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)).text(),
      'ok',
    );
    const answer = await fetch(`${without.adminUrl}${path}`);
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  }
});

test('each can be turned off alone', async () => {
  assert.equal(await without.reload(config({ health: false })), 'accepted');
  const asked = upstream.requests.length;
  assert.equal((await ask(without.port, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.equal(upstream.requests.length, asked);
  assert.equal((await ask(without.port, 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n')).text(), 'ok');
});
