/** Every code that the gateway may refuse with, brought about in a running one: the answer, the log line and the metric say the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RefusalCode } from '../../src/contracts/refusal.ts';
import { refusalCodes } from '../../src/core/refusal-codes.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const named = (name: string, url = upstream.url, more = {}): object => ({ name, url, ...more });
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { idle: 1_000 }, shutdown: { delay: 0, timeout: 100 } },
    security: {
      allowedHosts: ['127.0.0.1'],
      auth: {
        type: 'apiKey',
        // SHA-256 of "key".
        keys: [{ key: '2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683', name: 'Known' }],
      },
    },
    upstreams: [
      named('api'),
      named('closed', `http://127.0.0.1:${closedPort}`),
      named('elsewhere', 'http://127.0.0.2'),
      named('slow', upstream.url, { timeout: 100 }),
      named('narrow', upstream.url, { maxConnections: 1, maxPending: 0 }),
      named('failing', `http://127.0.0.1:${closedPort}`, { circuitBreaker: { minimumRequests: 1 } }),
      named('ill', `http://127.0.0.1:${closedPort}`, { healthCheck: { interval: 100, unhealthy: 1 } }),
    ],
    routes: [
      { path: '/api/*', upstream: 'api', methods: ['GET'] },
      { path: '/locked', upstream: 'api', auth: 'required', consumers: ['Somebody else'] },
      { path: '/checked', upstream: 'api', validate: { contentTypes: ['application/json'], body: { type: 'object' } } },
      { path: '/small', upstream: 'api', maxBodySize: 10 },
      { path: '/limited', upstream: 'api', rateLimit: { max: 1, windowMs: 3_600_000 } },
      ...['closed', 'elsewhere', 'slow', 'narrow', 'failing', 'ill'].map((name) => ({
        path: `/${name}`,
        upstream: name,
      })),
    ],
  },
});

/** Its Redis is away. */
const unlimited = await startGateway({
  waitFor: 'no',
  config: {
    rateLimit: { backend: 'redis', redis: { url: `redis://127.0.0.1:${closedPort}`, onError: 'closed' } },
    upstreams: [named('api')],
    routes: [{ path: '/*', upstream: 'api', rateLimit: { max: 1, windowMs: 1_000 } }],
  },
});

/** Brings a code about with a request of this id. Null: the answer was cut, and there is none to read. */
type Provoke = (id: string) => Promise<RawResponse | null>;

const send = (id: string, line: string, fields: readonly string[] = [], body = ''): Promise<RawResponse> => {
  const all = ['Host: a', `X-Request-Id: ${id}`, ...fields].join('\r\n');
  return ask(gateway.port, `${line} HTTP/1.1\r\n${all}\r\n\r\n${body}`);
};

/** A new code does not compile without a row here. */
const provoke: { readonly [C in RefusalCode]: Provoke } = {
  bad_request: (id) => send(id, 'GET /api/%00'),
  validation_failed: (id) => send(id, 'POST /checked', ['Content-Type: application/json', 'Content-Length: 2'], '[]'),
  unauthorized: (id) => send(id, 'GET /locked'),
  forbidden: (id) => send(id, 'GET /locked', ['X-API-Key: key']),
  no_route: (id) => send(id, 'GET /none'),
  method_not_allowed: (id) => send(id, 'DELETE /api/x'),
  request_timeout: (id) => send(id, 'POST /small', ['Content-Length: 5'], 'half'),
  body_too_large: (id) => send(id, 'POST /small', ['Content-Length: 11'], 'hello world'),
  uri_too_long: (id) => send(id, `GET /${'x'.repeat(9_000)}`),
  unsupported_media_type: (id) => send(id, 'POST /checked', ['Content-Type: text/plain', 'Content-Length: 2'], 'hi'),
  headers_too_large: (id) =>
    send(
      id,
      'GET /api/x',
      Array.from({ length: 101 }, (_, i) => `X-${i}: y`),
    ),
  rate_limited: async (id) => {
    await send(`${id}-before`, 'GET /limited');
    return await send(id, 'GET /limited');
  },
  upstream_unreachable: (id) => send(id, 'GET /closed'),
  upstream_reset: (id) => {
    upstream.on('/api/reset', (request) => void request.connection.socket.destroy());
    return send(id, 'GET /api/reset');
  },
  upstream_protocol_error: (id) => {
    upstream.on('/api/nonsense', (request) => request.send('nonsense\r\n\r\n'));
    return send(id, 'GET /api/nonsense');
  },
  upstream_blocked: (id) => send(id, 'GET /elsewhere'),
  circuit_open: (id) => untilCode(id, '/failing', 'circuit_open'),
  no_healthy_target: (id) => untilCode(id, '/ill', 'no_healthy_target'),
  overloaded: async (id) => {
    upstream.on('/narrow', () => {});
    const holding = await rawClient(gateway.port);
    holding.write('GET /narrow HTTP/1.1\r\nHost: a\r\n\r\n');
    await upstream.arrival('/narrow');
    const answer = await send(id, 'GET /narrow');
    holding.destroy();
    return answer;
  },
  draining: async (id) => {
    upstream.on('/api/long', () => {});
    const client = await rawClient(gateway.port);
    client.write(`GET /api/long HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`);
    await upstream.arrival('/api/long');
    // The worker that has it leaves, and the gateway stays to be asked.
    gateway.signal('SIGUSR2');
    // First its successor has to start.
    return await client.response('GET', 60_000);
  },
  rate_limiter_unavailable: async (id) => {
    await eventually(
      () =>
        rawClient(unlimited.port).then(
          (client) => client.destroy() ?? true,
          () => null,
        ),
      'a start',
      20_000,
    );
    return await ask(unlimited.port, `GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`);
  },
  upstream_timeout: (id) => {
    upstream.on('/slow', () => {});
    return send(id, 'GET /slow');
  },
};

/** Asks again until it is this code: what leads to it takes a moment. Its last request has the id. */
async function untilCode(id: string, path: string, code: RefusalCode): Promise<RawResponse> {
  let asked = 0;
  await eventually(async () => {
    const answer = await send(`${id}-${++asked}`, `GET ${path}`);
    return answer.json()['code'] === code ? true : null;
  }, code);
  return await send(id, `GET ${path}`);
}

const asked = (code: string): Gateway => (code === 'rate_limiter_unavailable' ? unlimited : gateway);

for (const [code, cause] of Object.entries(provoke)) {
  const { status } = refusalCodes[code as RefusalCode];
  test(`${code}: the answer (${status}) and the log line say so`, async () => {
    const id = `why-${code}`;
    const answer = await cause(id);
    if (answer === null) {
      assert.equal(code, 'draining');
    } else {
      const { type, title, detail, instance, ...rest } = answer.json();
      assert.deepEqual(rest, { ...rest, status, code, requestId: id });
      assert.deepEqual([answer.status, answer.header('content-type')], [status, 'application/problem+json']);
      assert.equal(answer.header('x-request-id'), id);
      assert.ok(String(title) !== '' && String(detail) !== '' && String(type).endsWith(code));
      assert.ok(String(instance).endsWith(id));
      assert.equal(answer.header('retry-after') !== null, status === 503 || status === 429);
    }
    const line = await asked(code).accessLog(id);
    assert.equal(line['code'], code);
    if (answer !== null) assert.equal(line['status'], status);
  });
}

test('every code is counted once for each line of the log', async () => {
  for (const code of Object.keys(provoke)) {
    const { logs, adminUrl } = asked(code);
    const lines = logs.filter((line) => line['code'] === code).length;
    assert.ok(lines > 0, code);
    await eventually(
      async () => ((await metric(adminUrl, 'rejected_requests_total', { code })) === lines ? true : null),
      `${lines} times ${code} in the metrics`,
    );
  }
});
