/** A recorded request is a span for its client and one for each try, sent to the collector as OpenTelemetry names things. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { otlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const collector = await otlpReceiver();
const upstream = await recordingUpstream();
const spare = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const brisk = { base: 1, max: 5 };
const config = {
  proxy: { timeouts: { idle: 60_000 }, trustedProxies: [] },
  upstreams: [
    { name: 'api', url: `${upstream.url}/base` },
    { name: 'retrying', url: upstream.url, retries: { attempts: 2, backoff: brisk } },
    { name: 'spare', url: spare.url },
    { name: 'closed', url: `http://127.0.0.1:${closedPort}` },
    { name: 'echo', builtin: 'echo' },
  ],
  routes: [
    { path: '/*', upstream: 'api' },
    { name: 'users', path: '/users/:id', upstream: 'api' },
    { path: '/retrying/*', upstream: 'retrying', fallback: 'spare' },
    { path: '/closed', upstream: 'closed' },
    { path: '/fixed', respond: { status: 200, body: 'fixed' } },
    { path: '/echo', upstream: 'echo' },
    { path: '/locked', upstream: 'api', auth: { require: 'required', mode: 'shadow' } },
    { path: '/limited', upstream: 'api', rateLimit: { max: 1, windowMs: 60_000 } },
  ],
  telemetry: { otlp: { url: collector.url, sampleRatio: 1, metrics: false, logs: false, interval: 20 } },
};
const gateway = await startGateway({ config });

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = (flags: string, id = traceId): string => `traceparent: 00-${id}-00f067aa0ba902b7-${flags}\r\n`;
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: api.test:8080\r\n${more}\r\n`;

/** The spans of an answered request: the server's, then the tries'. */
async function spansOf(answer: RawResponse | null, tries: number): Promise<[ReceivedSpan, ...ReceivedSpan[]]> {
  const line = await gateway.accessLog(answer?.header('X-Request-Id') ?? '');
  const spans = await collector.trace(String(line['traceId']), 1 + tries);
  assert.equal(spans.length, 1 + tries);
  const [server] = spans as [ReceivedSpan];
  for (const span of spans) assert.ok(span.startMs >= server.startMs && span.endMs <= server.endMs, span.name);
  assert.equal(line['spanId'], server.spanId);
  return spans as [ReceivedSpan, ...ReceivedSpan[]];
}

test('a request is a server span and a client span, with the attributes of HTTP', async () => {
  const answer = await ask(gateway.port, get('/users/7?key=secret', 'User-Agent: tests/1\r\nCookie: a=secret\r\n'));
  const [server, client] = await spansOf(answer, 1);
  assert.equal(server.name, 'GET /users/:id');
  assert.equal(server.kind, 'SERVER');
  assert.equal(server.status, 'UNSET');
  assert.equal(server.parentSpanId, '');
  assert.deepEqual(server.events, []);
  assert.deepEqual(server.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/users/7',
    'client.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'server.address': 'api.test',
    'server.port': 8080,
    'user_agent.original': 'tests/1',
    'http.route': '/users/:id',
    'http.response.status_code': 200,
    'http.request.body.size': 0,
    'http.response.body.size': 2,
    'sluice.request_id': answer.header('X-Request-Id'),
    'sluice.route': 'users',
    'sluice.attempts': 1,
    'sluice.upstream': 'api',
  });
  assert.equal(client?.name, 'GET');
  assert.equal(client.kind, 'CLIENT');
  assert.equal(client.status, 'UNSET');
  assert.equal(client.parentSpanId, server.spanId);
  assert.deepEqual(client.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.full': `${upstream.url}/base/users/7`,
    'server.address': '127.0.0.1',
    'server.port': upstream.port,
    'network.protocol.version': '1.1',
    'sluice.upstream': 'api',
    'http.response.status_code': 200,
  });
});

test('the upstream is told the span of its try, and that the trace is recorded', async () => {
  const answer = await ask(gateway.port, get('/told'));
  const [server, client] = await spansOf(answer, 1);
  const [request] = upstream.requestsTo('/base/told');
  assert.equal(request?.header('traceparent'), `00-${server.traceId}-${client?.spanId}-01`);
});

test('a trace that the client records is continued under the client’s span, its tracestate kept', async () => {
  const answer = await ask(gateway.port, get('/child', `${parent('01')}tracestate: a=1,b=2\r\n`));
  const [server, client] = await spansOf(answer, 1);
  assert.equal(server.traceId, traceId);
  assert.equal(server.parentSpanId, '00f067aa0ba902b7');
  assert.equal(server.traceState, 'a=1,b=2');
  assert.equal(client?.traceState, 'a=1,b=2');
  const [request] = upstream.requestsTo('/base/child');
  assert.equal(request?.header('traceparent'), `00-${traceId}-${client?.spanId}-01`);
  assert.equal(request?.header('tracestate'), 'a=1,b=2');
});

test('a trace that the client does not record is not recorded here, and goes on as it is', async () => {
  const unwanted = 'a'.repeat(32);
  await ask(gateway.port, get('/unrecorded', parent('00', unwanted)));
  const [request] = upstream.requestsTo('/base/unrecorded');
  assert.match(request?.header('traceparent') ?? '', new RegExp(`^00-${unwanted}-[0-9a-f]{16}-00$`));
  // What comes later is sent later: nothing of the first one is on its way any more.
  await spansOf(await ask(gateway.port, get('/later')), 1);
  assert.deepEqual(
    collector.spans.filter((span) => span.traceId === unwanted),
    [],
  );
});

test('each try has a span of its own, the fallback’s too, and upstreams can tell them apart', async () => {
  upstream.on('/retrying/twice', (request) => request.send(response(503)));
  // A supervisor that needs too long to grant a retry, on a busy machine, is one try less.
  const answer = await eventually(async () => {
    const one = await ask(gateway.port, get('/retrying/twice'));
    assert.equal(one.status, 200);
    const { attempts } = await gateway.accessLog(one.header('X-Request-Id') ?? '');
    return attempts === 4 ? one : null;
  }, 'an answer after four tries');
  const [server, ...tries] = await spansOf(answer, 4);
  assert.equal(server.attributes['sluice.fallback_for'], 'retrying');
  assert.deepEqual(
    tries.map(({ attributes, status, parentSpanId }) => [
      attributes['sluice.upstream'],
      attributes['http.response.status_code'],
      attributes['http.request.resend_count'],
      attributes['error.type'],
      status,
      parentSpanId === server.spanId,
    ]),
    [
      ['retrying', 503, undefined, '503', 'ERROR', true],
      ['retrying', 503, 1, '503', 'ERROR', true],
      ['retrying', 503, 2, '503', 'ERROR', true],
      ['spare', 200, 3, undefined, 'UNSET', true],
    ],
  );
  const told = [...upstream.requestsTo('/retrying/twice'), ...spare.requestsTo('/retrying/twice')];
  assert.deepEqual(
    told
      .map((request) => request.header('traceparent') ?? '')
      .filter((traceparent) => traceparent.includes(server.traceId))
      .map((traceparent) => traceparent.slice(36, 52)),
    tries.map(({ spanId }) => spanId),
  );
});

test('a request that goes out once more, as its connection was being closed, has a span for each time', async () => {
  upstream.on('/base/race', (request) => {
    if (request.connection.requests.length > 1) request.connection.socket.resetAndDestroy();
    else request.send(response(200));
  });
  await ask(gateway.port, get('/warm'));
  const answer = await ask(gateway.port, get('/race'));
  assert.equal(answer.status, 200);
  const [, first, second] = await spansOf(answer, 2);
  assert.equal(first?.attributes['error.type'], 'reset');
  assert.equal(second?.attributes['error.type'], undefined);
  assert.equal(second?.attributes['http.request.resend_count'], 1);
  assert.deepEqual(
    upstream.requestsTo('/base/race').map((request) => request.header('traceparent')?.slice(36, 52)),
    [first.spanId, second?.spanId],
  );
});

test('an upstream that can’t be reached: the try says how it failed, the request why it was refused', async () => {
  const [server, client] = await spansOf(await ask(gateway.port, get('/closed')), 1);
  assert.equal(client?.status, 'ERROR');
  assert.equal(client.attributes['error.type'], 'unreachable');
  assert.equal(client.attributes['http.response.status_code'], undefined);
  assert.equal(server.status, 'ERROR');
  assert.equal(server.attributes['error.type'], 'upstream_unreachable');
  assert.deepEqual(server.events, [{ name: 'refusal', attributes: { 'sluice.code': 'upstream_unreachable' } }]);
});

test('an answer that is cut is an error of the try and of the request, whatever its status', async () => {
  upstream.on('/base/cut', (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    request.connection.socket.end();
  });
  const client = await rawClient(gateway.port);
  client.write(get('/cut'));
  const [server, attempt] = await spansOf(await client.finalResponse(), 1);
  assert.equal(server.attributes['http.response.status_code'], 200);
  assert.equal(server.attributes['error.type'], 'upstream_reset');
  assert.equal(server.status, 'ERROR');
  assert.equal(attempt?.attributes['error.type'], 'upstream_reset');
  assert.equal(attempt.status, 'ERROR');
});

test('a client that leaves is its own doing', async () => {
  upstream.on('/base/left', () => {});
  const client = await rawClient(gateway.port);
  client.write(get('/left', parent('01', 'b'.repeat(32))));
  await upstream.arrival('/base/left');
  client.reset();
  const [server, attempt] = await collector.trace('b'.repeat(32), 2);
  assert.equal(server?.attributes['http.response.status_code'], 499);
  assert.equal(server.attributes['error.type'], 'client_closed');
  assert.equal(server.status, 'UNSET');
  assert.equal(attempt?.attributes['error.type'], 'canceled');
});

test('a refusal is an event with its code; 4xx are no errors of the gateway', async () => {
  await ask(gateway.port, get('/limited'));
  const [limited] = await spansOf(await ask(gateway.port, get('/limited')), 0);
  assert.equal(limited.attributes['http.response.status_code'], 429);
  assert.equal(limited.status, 'UNSET');
  assert.equal(limited.attributes['error.type'], undefined);
  assert.deepEqual(limited.events, [{ name: 'refusal', attributes: { 'sluice.code': 'rate_limited' } }]);

  const [malformed] = await spansOf(await ask(gateway.port, get('/a', 'Host: b\r\n')), 0);
  assert.equal(malformed.name, 'GET');
  assert.deepEqual(malformed.events, [{ name: 'refusal', attributes: { 'sluice.code': 'bad_request' } }]);
});

test('what a policy in shadow mode would have refused is an event too', async () => {
  const [server] = await spansOf(await ask(gateway.port, get('/locked')), 1);
  assert.deepEqual(server.events, [{ name: 'shadow', attributes: { 'sluice.code': 'unauthorized' } }]);
});

test('answers of the gateway’s own have no tries, and a built-in upstream has one', async () => {
  const [fixed] = await spansOf(await ask(gateway.port, get('/fixed')), 0);
  assert.equal(fixed.name, 'GET /fixed');
  const [, echo] = await spansOf(await ask(gateway.port, get('/echo')), 1);
  assert.equal(echo?.attributes['server.address'], 'echo');
});

test('a method that nobody knows is no name of a span', async () => {
  const [server, client] = await spansOf(await ask(gateway.port, get('/odd').replace('GET', 'PURGE')), 1);
  assert.equal(server.name, 'HTTP /*');
  assert.equal(server.attributes['http.request.method'], '_OTHER');
  assert.equal(server.attributes['http.request.method_original'], 'PURGE');
  assert.equal(client?.name, 'HTTP');
});

test('an event stream is one span from its beginning to its end, and so is a WebSocket', async () => {
  upstream.on('/base/events', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n'),
  );
  upstream.on('/base/socket', (request) => {
    request.takenOver = true;
    request.send(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello',
    );
  });
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  for (const [path, more, first, status] of [
    ['/events', '', 'data: one', 200],
    ['/socket', upgrade, 'hello', 101],
  ] as const) {
    const id = status === 200 ? 'c'.repeat(32) : 'd'.repeat(32);
    const client = await rawClient(gateway.port);
    client.write(get(path, parent('01', id) + more));
    await client.receives(first);
    const request = await upstream.arrival(`/base${path}`);
    client.reset();
    await within(request.connection.closed, 'the end');
    const [server, attempt] = await collector.trace(id, 2);
    assert.equal(server?.attributes['http.response.status_code'], status);
    assert.equal(server.status, 'UNSET');
    assert.equal(attempt?.attributes['http.response.status_code'], status);
    assert.ok(attempt.endMs <= server.endMs);
  }
});

test('probes and scrapes are nobody’s trace', async () => {
  const id = 'e'.repeat(32);
  for (const path of ['/health/live', '/health/ready', '/metrics'])
    await ask(gateway.port, get(path, parent('01', id)));
  await spansOf(await ask(gateway.port, get('/after')), 1);
  assert.deepEqual(
    collector.spans.filter((span) => span.traceId === id),
    [],
  );
});

test('what is sent says whose it is', async () => {
  const [server] = await spansOf(await ask(gateway.port, get('/whose')), 1);
  assert.equal(server.resource['service.name'], 'sluice');
  assert.equal(server.resource['service.version'], '0.1.0');
  assert.match(String(server.resource['service.instance.id']), new RegExp(`:${gateway.port}$`));
});

test('a reload changes the ratio, shows the query, and turns all of it off and on, without a restart', async () => {
  const telemetry = (otlp: object): object => ({
    ...config,
    telemetry: { otlp: { ...config.telemetry.otlp, ...otlp } },
  });
  const pids = gateway.workers();

  assert.equal(await gateway.reload({ ...telemetry({ sampleRatio: 0 }), logging: { query: true } }), 'accepted');
  await ask(gateway.port, get('/none-begun'));
  assert.match(upstream.requestsTo('/base/none-begun')[0]?.header('traceparent') ?? '', /-00$/);
  const [server, client] = await spansOf(await ask(gateway.port, get('/q?a=b', parent('01', 'f'.repeat(32)))), 1);
  assert.equal(server.attributes['url.query'], 'a=b');
  assert.equal(client?.attributes['url.full'], `${upstream.url}/base/q?a=b`);
  assert.equal(collector.spans.filter(({ attributes }) => attributes['url.path'] === '/none-begun').length, 0);

  assert.equal(await gateway.reload({ ...config, telemetry: {} }), 'accepted');
  await ask(gateway.port, get('/off', parent('01', '1'.repeat(32))));
  // Whether others record the trace is theirs to decide.
  assert.match(upstream.requestsTo('/base/off')[0]?.header('traceparent') ?? '', /-01$/);

  assert.equal(await gateway.reload(config), 'accepted');
  await spansOf(await ask(gateway.port, get('/on-again')), 1);
  assert.equal(collector.spans.filter(({ traceId: id }) => id === '1'.repeat(32)).length, 0);
  assert.deepEqual(gateway.workers(), pids);
});

test('what is waiting when the gateway is stopped is sent first', async () => {
  const slow = { otlp: { ...config.telemetry.otlp, interval: '1h' } };
  assert.equal(await gateway.reload({ ...config, telemetry: slow }), 'accepted');
  const answer = await ask(gateway.port, get('/last'));
  gateway.signal('SIGTERM');
  assert.equal((await within(gateway.exit, 'the end')).code, 0);
  await spansOf(answer, 1);
});
