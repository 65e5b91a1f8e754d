/** The admin listener as its clients see it. */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type AdminOptions, startAdminServer } from '../../../supervisor/admin-server.ts';

test('liveness, readiness and metrics answer as documented', async (t) => {
  const ask = await start(t);
  const live = await ask('/health/live');
  assert.equal(live.status, 200);
  const { status, timestamp } = JSON.parse(live.body) as Record<string, string>;
  assert.equal(status, 'UP');
  assert.match(timestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const ready = await ask('/health/ready?verbose');
  assert.equal(ready.status, 200);
  assert.deepEqual(JSON.parse(ready.body), { status: 'UP', checks: { config: 'UP', upstreams: 'UP' } });
  const metrics = await ask('/metrics');
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(metrics.body, 'a 1\nb 2\n');
  const deep = await ask('/health/deep');
  assert.deepEqual(JSON.parse(deep.body), { status: 'UP', checks: { config: 'UP', upstreams: 'UP' }, upstreams: {} });
});

test('not ready is 503 and says which check', async (t) => {
  const ask = await start(t, { health: () => ({ ready: false, checks: { config: 'DOWN', upstreams: 'UP' } }) });
  const { status, body } = await ask('/health/ready');
  assert.equal(status, 503);
  assert.deepEqual(JSON.parse(body), { status: 'DOWN', checks: { config: 'DOWN', upstreams: 'UP' } });
});

test('HEAD has the head of GET and no body; other methods are 405; other paths 404', async (t) => {
  const ask = await start(t);
  const head = await ask('/metrics', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '8']);
  const post = await ask('/health/live', { method: 'POST' });
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
  const missing = await ask('/nothing');
  assert.equal(missing.status, 404);
  assert.equal(missing.headers['content-type'], 'application/problem+json');
  assert.equal((JSON.parse(missing.body) as { code: string }).code, 'no_route');
});

test('with a token, everything but health wants it', async (t) => {
  const ask = await start(t, { token: 'open-sesame' });
  const sent = (authorization: string) => ask('/metrics', { headers: { authorization } });
  assert.equal((await ask('/health/ready')).status, 200);
  const refused = await ask('/metrics');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="sluice admin"');
  assert.equal((JSON.parse(refused.body) as { code: string }).code, 'unauthorized');
  assert.equal((await ask('/nothing')).status, 401);
  assert.equal((await sent('Bearer wrong')).status, 401);
  assert.equal((await sent('Basic open-sesame')).status, 401);
  assert.equal((await sent('open-sesame')).status, 401);
  assert.equal((await sent('Bearer open-sesame')).status, 200);
  assert.equal((await sent('bearer open-sesame')).status, 200);
});

test('the page goes out to strangers too, with a 401; to those who come under a wrong name it does not', async (t) => {
  const ask = await start(t, { token: 'open-sesame' });
  const locked = await ask('/');
  assert.deepEqual([locked.status, locked.headers['www-authenticate']], [401, 'Bearer realm="sluice admin"']);
  const open = await ask('/', { headers: { authorization: 'Bearer open-sesame' } });
  assert.deepEqual([open.status, open.headers['www-authenticate']], [200, undefined]);
  for (const { headers, body } of [locked, open]) {
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.match(body, /^<!doctype html>/);
  }
  assert.equal((await ask('/status')).status, 401);
  const rebound = await ask('/', { headers: { host: 'evil.example:9901' } });
  assert.deepEqual([rebound.status, rebound.headers['content-type']], [403, 'application/problem+json']);
});

test('the page may run its own script and style only, ask nobody else, and stand in no frame', async (t) => {
  const ask = await start(t);
  const { headers } = await ask('/');
  const policy = String(headers['content-security-policy']);
  assert.match(
    policy,
    /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'; /,
  );
  assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['referrer-policy'], 'no-referrer');
});

test('a page whose name was pointed at the loopback learns nothing, and no other site may embed an answer', async (t) => {
  const ask = await start(t);
  const rebound = await ask('/metrics', { headers: { host: 'evil.example:9901' } });
  assert.equal(rebound.status, 403);
  for (const host of ['localhost:9901', '127.0.0.1', '[::1]:9901', 'LOCALHOST']) {
    assert.equal((await ask('/metrics', { headers: { host } })).status, 200, host);
  }
  const { headers } = await ask('/metrics', { headers: { origin: 'https://evil.example' } });
  assert.equal(headers['access-control-allow-origin'], undefined);
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
  assert.equal(headers['cache-control'], 'no-store');
});

test('a listener for the network takes any host', async (t) => {
  const ask = await start(t, { host: '0.0.0.0' });
  assert.equal((await ask('/metrics', { headers: { host: 'sluice.internal' } })).status, 200);
});

test('metrics that can not be had are 503, and the listener lives on', async (t) => {
  const ask = await start(t, { metrics: () => Promise.reject(new Error('the metrics registry is restarting')) });
  const { status, headers, body } = await ask('/metrics', { headers: { 'x-request-id': 'abc' } });
  assert.equal(status, 503);
  assert.equal(headers['x-request-id'], 'abc');
  assert.doesNotMatch(body, /registry/);
  assert.equal((await ask('/health/live')).status, 200);
});

test('a port in use is told with what to do about it', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const expected = new RegExp(`can't listen on 127\\.0\\.0\\.1:${port}: the port is in use .*admin\\.port`);
  await assert.rejects(startAdminServer({ ...defaults, port }), expected);
  await assert.rejects(startAdminServer({ ...defaults, host: '192.0.2.1' }), /no such address .*admin\.host/);
});

const defaults: AdminOptions = {
  host: '127.0.0.1',
  port: 0,
  socket: null,
  token: null,
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, fatal: () => {} },
  health: () => ({ ready: true, checks: { config: 'UP', upstreams: 'UP' } }),
  metrics: async () => [Buffer.from('a 1\n'), Buffer.from('b 2\n')],
  status: async () => Buffer.from('{}'),
  config: async () => Buffer.from('{}'),
  askUpstreams: async () => [],
  reload: async () => ({ result: 'accepted', version: 2, changes: [], needsRestart: [], warnings: [] }),
  routes: async () => Buffer.from('{}'),
  lookAtLimits: async () => null,
  refillLimits: async () => true,
  describeWorkers: async () => [],
  describeUpstreams: async () => [],
  setDrained: () => 'done',
  orderBreaker: () => true,
  logLevel: () => ({ level: 'info', configured: 'info', until: null }),
  setLogLevel: () => {},
  checkCandidate: async () => ({ problems: [], changes: [], needsRestart: [] }),
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

test('a change that fails for a fault of ours tells the client little, and the log what it was', async (t) => {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = { ...defaults.log, warn: (fields: Readonly<Record<string, unknown>>) => void lines.push(fields) };
  const ask = await start(t, { log, reload: () => Promise.reject(new Error('a bug')) });
  const { status, body } = await ask('/reload', { method: 'POST', headers: { 'x-sluice-admin': '1' } });
  assert.equal(status, 503);
  assert.doesNotMatch(body, /a bug/);
  assert.deepEqual([lines[0]?.['status'], lines[0]?.['reason']], [503, 'Error: a bug']);
});

async function start(t: TestContext, options: Partial<AdminOptions> = {}) {
  const server = await startAdminServer({ ...defaults, ...options });
  t.after(() => server.close());
  return (path: string, init: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: server.port, path, agent: false, ...init }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      sent.on('error', reject).end();
    });
}
