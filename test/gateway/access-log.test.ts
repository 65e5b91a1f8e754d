/** The access log of a real gateway: one line per request, with what happened and nothing secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const base = {
  upstreams: [
    { name: 'api', url: upstream.url },
    { name: 'down', url: `http://127.0.0.1:${closedPort}` },
  ],
  routes: [
    { name: 'everything', path: '/*', upstream: 'api' },
    { path: '/down', upstream: 'down' },
  ],
};
const gateway = await startGateway({ config: base });

test('a forwarded request leaves one line with all that is known of it', async () => {
  await ask(
    gateway.port,
    'POST /a/b?secret=1 HTTP/1.1\r\nHost: Api.Test:80\r\nX-Request-Id: full-line\r\nContent-Length: 5\r\n' +
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\nhello',
  );
  const line = await gateway.accessLog('full-line');
  const { time, durationMs, upstreamMs, ...rest } = line as Record<string, number>;
  assert.deepEqual(rest, {
    level: 30,
    worker: '1',
    msg: 'request',
    requestId: 'full-line',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    clientIp: '127.0.0.1',
    method: 'POST',
    host: 'api.test',
    path: '/a/b',
    route: 'everything',
    status: 200,
    upstream: 'api',
    target: `127.0.0.1:${upstream.port}`,
    attempts: 1,
    bytesIn: 5,
    bytesOut: 2,
    sampleRate: 1,
  });
  assert.ok(Math.abs((time ?? 0) - Date.now()) < 60_000);
  assert.ok((durationMs ?? 0) >= (upstreamMs ?? -1) && (upstreamMs ?? -1) >= 0);
  assert.equal(gateway.logs.filter(({ requestId }) => requestId === 'full-line').length, 1);
});

test('an answer of the gateway itself says why, as an error when it is a 5xx', async () => {
  await ask(gateway.port, 'GET /down HTTP/1.1\r\nHost: a\r\nX-Request-Id: is-down\r\n\r\n');
  const line = await gateway.accessLog('is-down');
  assert.deepEqual([line['level'], line['status'], line['code']], [50, 502, 'upstream_unreachable']);
});

test('a client that leaves is a warning with 499', async () => {
  upstream.on('/left', () => {});
  const client = await rawClient(gateway.port);
  client.write('GET /left HTTP/1.1\r\nHost: a\r\nX-Request-Id: has-left\r\n\r\n');
  await upstream.arrival('/left');
  client.destroy();
  const line = await gateway.accessLog('has-left');
  assert.deepEqual([line['level'], line['status'], line['aborted']], [40, 499, true]);
});

test('an upstream that dies in the middle is a cut exchange', async () => {
  upstream.on('/cut', (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    request.connection.socket.end();
  });
  const client = await rawClient(gateway.port);
  client.write('GET /cut HTTP/1.1\r\nHost: a\r\nX-Request-Id: was-cut\r\n\r\n');
  const line = await gateway.accessLog('was-cut');
  assert.deepEqual([line['status'], line['code'], line['aborted']], [200, 'upstream_reset', true]);
  client.destroy();
});

test('keys, cookies, Authorization and queries never appear', async () => {
  await ask(
    gateway.port,
    'GET /private?token=s3cret HTTP/1.1\r\nHost: a\r\nX-Request-Id: private\r\nAuthorization: Bearer s3cret\r\n' +
      'Cookie: sid=s3cret\r\nX-API-Key: s3cret\r\nReferer: http://s3cret\r\n\r\n',
  );
  await gateway.accessLog('private');
  assert.doesNotMatch(gateway.stdout + gateway.stderr, /s3cret/);
});

test('successes may be left out while every error is kept, and a reload changes that', async () => {
  const logging = { sampling: { successRate: 0, errorRate: 1 }, query: true };
  const sampled = await startGateway({ config: { ...base, logging } });
  const send = (path: string, id: string) =>
    ask(sampled.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`);
  await send('/fine?x=1', 'first-fine');
  await send('/down?x=1', 'first-down');
  assert.equal((await sampled.accessLog('first-down'))['path'], '/down?x=1');
  assert.equal(
    sampled.logs.some(({ requestId }) => requestId === 'first-fine'),
    false,
  );

  assert.equal(await sampled.reload({ ...base, logging: { sampling: { successRate: 1 } } }), 'accepted');
  await send('/fine?x=1', 'second-fine');
  assert.equal((await sampled.accessLog('second-fine'))['path'], '/fine');

  assert.equal(await sampled.reload({ ...base, logging: { level: 'error' } }), 'accepted');
  await send('/fine', 'third-fine');
  await send('/down', 'third-down');
  await sampled.accessLog('third-down');
  assert.equal(
    sampled.logs.some(({ requestId }) => requestId === 'third-fine'),
    false,
  );
});
