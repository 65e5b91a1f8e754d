/** A failed try is repeated when that may help, can do no harm, and nothing has gone to the client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort] = await freePorts(1);
const nowhere = `http://127.0.0.1:${closedPort}`;
const brisk = { base: 1, max: 5 };
const gateway = await startGateway({
  config: {
    proxy: { timeout: 3_000 },
    upstreams: [
      { name: 'api', url: upstream.url, timeout: 300, retries: { attempts: 2, backoff: brisk } },
      { name: 'plain', url: upstream.url, retries: 0 },
      { name: 'short-form', url: upstream.url, retries: 3 },
      {
        name: 'any',
        url: upstream.url,
        retries: { attempts: 1, on: ['5xx', '429'], methods: ['POST'], backoff: brisk },
      },
      { name: 'closed', url: nowhere, retries: { attempts: 2, backoff: brisk } },
      {
        name: 'half-dead',
        targets: [{ url: nowhere, weight: 1000 }, { url: upstream.url }],
        balance: 'random',
        retries: { attempts: 1, backoff: brisk },
      },
    ],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/plain/*', upstream: 'plain' },
      { path: '/short-form', upstream: 'short-form' },
      { path: '/any/*', upstream: 'any' },
      { path: '/closed', upstream: 'closed' },
      { path: '/half-dead', upstream: 'half-dead' },
    ],
  },
});
const [worker] = gateway.workers();

for (const status of [502, 503, 504]) {
  test(`an answer of ${status} is tried again, and the client sees the good one`, async () => {
    const path = `/status-${status}`;
    inTurn(path, [answer(status), answer(status), answer(200, 'good')]);
    const got = await get(path);
    assert.equal(got.text(), 'good');
    assert.equal(upstream.requestsTo(path).length, 3);
    const line = await logOf(got);
    assert.equal(line['attempts'], 3);
    assert.equal(line['status'], 200);
    assert.equal(line['error'], undefined);
  });
}

test('when all tries fail, the last answer is passed on as it is', async () => {
  inTurn('/always', [answer(503, 'first'), answer(503, 'second'), answer(503, 'third')]);
  const got = await get('/always');
  assert.deepEqual([got.status, got.text(), got.header('content-length')], [503, 'third', '5']);
  assert.equal(upstream.requestsTo('/always').length, 3);
  assert.equal((await logOf(got))['code'], undefined);
});

test('an answer to HEAD, which has no body that could be waited for, is held back like any other', async () => {
  const empty: Step = (request) => request.send('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\n');
  inTurn('/head', [empty, (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Try: 2\r\n\r\n')]);
  const mended = await send('HEAD', '/head', '');
  assert.deepEqual([mended.status, mended.header('x-try'), mended.header('content-length')], [200, '2', '4']);
  inTurn('/head-always', [empty, empty, empty]);
  const last = await send('HEAD', '/head-always', '');
  assert.deepEqual([last.status, last.header('content-length')], [503, '4']);
});

for (const status of [500, 501, 404, 429]) {
  test(`${status} is an answer like any other`, async () => {
    const path = `/answer-${status}`;
    inTurn(path, [answer(status)]);
    assert.equal((await get(path)).status, status);
    assert.equal(upstream.requestsTo(path).length, 1);
  });
}

test('a reset before the answer is tried again', async () => {
  inTurn('/reset', [cut, cut, answer(200, 'good')]);
  assert.equal((await get('/reset')).text(), 'good');
});

test('a try that takes too long is given up, and tried again', async () => {
  inTurn('/stalls', [() => {}, answer(200, 'good')]);
  assert.equal((await get('/stalls')).text(), 'good');
  const [first] = upstream.requestsTo('/stalls');
  await first?.connection.closed;
});

test('an answer that is not valid HTTP is not', async () => {
  inTurn('/garbage', [(request) => request.send('garbage\r\n\r\n')]);
  assert.equal((await get('/garbage')).json()['code'], 'upstream_protocol_error');
  assert.equal(upstream.requestsTo('/garbage').length, 1);
});

test('an upstream that refuses connections is tried as often as it says, by any method', async () => {
  for (const method of ['GET', 'POST']) {
    const got = await send(method, '/closed', method === 'POST' ? 'body' : '');
    assert.equal(got.json()['code'], 'upstream_unreachable');
    assert.equal((await logOf(got))['attempts'], 3);
  }
});

test('another target is tried, if there is one', async () => {
  const got = await get('/half-dead');
  assert.equal(got.status, 200);
  assert.match(String((await logOf(got))['target']), new RegExp(`${upstream.port}`));
});

test('a request that may have been acted on is repeated only with an idempotent method', async () => {
  for (const [method, tries] of [
    ['PUT', 3],
    ['DELETE', 3],
    ['POST', 1],
    ['PATCH', 1],
  ] as const) {
    const path = `/method-${method}`;
    inTurn(path, [answer(503), answer(503), answer(503)]);
    assert.equal((await send(method, path, 'body')).status, 503);
    assert.equal(upstream.requestsTo(path).length, tries, method);
  }
});

test('methods and failures can be named', async () => {
  inTurn('/any/500', [answer(500), answer(200, 'good')]);
  assert.equal((await send('POST', '/any/500', 'body')).text(), 'good');
  inTurn('/any/429', [answer(429), answer(200, 'good')]);
  assert.equal((await send('POST', '/any/429', 'body')).text(), 'good');
  inTurn('/any/get', [answer(500)]);
  assert.equal((await get('/any/get')).status, 500);
  inTurn('/any/reset', [cut]);
  assert.equal((await send('POST', '/any/reset', 'body')).status, 502);
  assert.equal(upstream.requestsTo('/any/reset').length, 1);
});

test('without retries nothing is repeated', async () => {
  inTurn('/plain/503', [answer(503)]);
  assert.equal((await get('/plain/503')).status, 503);
  assert.equal(upstream.requestsTo('/plain/503').length, 1);
});

test('a number is short for so many tries after the first', async () => {
  inTurn('/short-form', [answer(503), answer(503), answer(503), answer(200, 'good')]);
  assert.equal((await get('/short-form')).text(), 'good');
});

test('a body that came with its head is sent again whole', async () => {
  inTurn('/whole', [after(answer(503)), after(answer(200, 'good'))]);
  assert.equal((await send('PUT', '/whole', 'the body')).text(), 'good');
  assert.deepEqual(bodiesOf('/whole'), ['the body', 'the body']);
});

test('a body that is still on its way is kept and sent again', async () => {
  inTurn('/streamed', [
    async (request) => {
      await request.receives('first ');
      cut(request);
    },
    after(answer(200, 'good')),
  ]);
  const client = await rawClient(gateway.port);
  client.write('PUT /streamed HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nfirst ');
  await upstream.arrival('/streamed');
  await upstream.arrival('/streamed');
  client.write('second');
  const got = await client.response();
  assert.equal(got?.text(), 'good');
  assert.equal(bodiesOf('/streamed').at(-1), 'first second');
  client.destroy();
});

test('a body that is longer than retries.maxBodySize and came piece by piece is sent once', async () => {
  inTurn('/large', [after(answer(503)), after(answer(200))]);
  const client = await rawClient(gateway.port);
  client.write('PUT /large HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx');
  await upstream.arrival('/large');
  client.write('x'.repeat(99_999));
  assert.equal((await client.response())?.status, 503);
  assert.equal(upstream.requestsTo('/large').length, 1);
  client.destroy();
});

test('an answer that has begun is never followed by another try', async () => {
  inTurn('/begun', [
    (request) => {
      request.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart');
      setTimeout(cut, 50, request);
    },
  ]);
  const got = await get('/begun');
  assert.equal(got.complete, false);
  assert.equal(upstream.requestsTo('/begun').length, 1);
});

test('each try has its own time', async () => {
  upstream.on('/slow', () => {});
  const startedAt = performance.now();
  const got = await get('/slow');
  assert.equal(got.json()['code'], 'upstream_timeout');
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 880 && tookMs < 3_000, `${tookMs} ms`);
  assert.equal(upstream.requestsTo('/slow').length, 3);
  assert.equal((await logOf(got))['error'], 'SLUICE_TRY_TIMEOUT');
});

test('Retry-After of the upstream is waited for', async () => {
  inTurn('/come-back', [(request) => request.send(response(503, [['Retry-After', '1']], 'busy')), answer(200, 'good')]);
  const startedAt = performance.now();
  assert.equal((await get('/come-back')).text(), 'good');
  assert.ok(performance.now() - startedAt >= 990);
});

test('a Retry-After beyond the time of the exchange: its answer is passed on', async () => {
  inTurn('/come-back-tomorrow', [(request) => request.send(response(503, [['Retry-After', '86400']], 'busy'))]);
  const got = await get('/come-back-tomorrow');
  assert.deepEqual([got.status, got.text(), got.header('retry-after')], [503, 'busy', '86400']);
  assert.equal(upstream.requestsTo('/come-back-tomorrow').length, 1);
});

test('the connection of a short failed answer serves on; that of a long one is closed', async () => {
  inTurn('/short', [answer(503, 'short'), answer(200)]);
  await get('/short');
  const [one, two] = upstream.requestsTo('/short');
  assert.equal(one?.connection, two?.connection);
  inTurn('/long', [answer(503, 'x'.repeat(1_000_000)), answer(200, 'good')]);
  assert.equal((await get('/long')).text(), 'good');
  await upstream.requestsTo('/long')[0]?.connection.closed;
});

test('a failed answer without end does not hold up the next try', async () => {
  inTurn('/endless', [
    (request) => request.send('HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\npart'),
    answer(200, 'good'),
  ]);
  assert.equal((await get('/endless')).text(), 'good');
  await upstream.requestsTo('/endless')[0]?.connection.closed;
});

test('a client that leaves while it waits for the next try ends it all', async () => {
  inTurn('/left', [(request) => request.send(response(503, [['Retry-After', '2']], 'busy')), answer(200)]);
  const client = await rawClient(gateway.port);
  client.write('GET /left HTTP/1.1\r\nHost: a\r\nX-Request-Id: left-1\r\n\r\n');
  await upstream.arrival('/left');
  await delay(100);
  client.destroy();
  const line = await gateway.accessLog('left-1');
  assert.equal(line['status'], 499);
  assert.equal(line['attempts'], 1);
});

test('every try is counted, and those that repeat another once more', async () => {
  const before = await numbers();
  inTurn('/counted', [answer(502), answer(503), answer(200)]);
  await get('/counted');
  const now = await numbers();
  assert.deepEqual(
    now.map((count, i) => count - (before[i] as number)),
    [2, 1, 2],
  );
});

test('the worker has lived through all of it', async () => {
  assert.equal((await get('/alive')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

type Step = (request: ReceivedRequest) => Promise<void> | void;

/** The first request to the path gets the first answer, and so on. */
function inTurn(path: string, steps: readonly Step[]): void {
  const left = [...steps];
  upstream.on(path, (request) => left.shift()?.(request));
}

function answer(status: number, body = ''): Step {
  return (request) => request.send(response(status, [], body));
}

/** Once the request has come whole. */
function after(step: Step): Step {
  return async (request) => {
    if ((await request.received).complete) await step(request);
  };
}

function cut(request: ReceivedRequest): void {
  request.connection.socket.resetAndDestroy();
}

function bodiesOf(path: string): string[] {
  return upstream.requestsTo(path).map(({ body }) => body.bytes.toString('latin1'));
}

function get(path: string): Promise<RawResponse> {
  return send('GET', path, '');
}

function send(method: string, path: string, body: string): Promise<RawResponse> {
  const framing = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  return ask(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n${body}`, method);
}

function logOf(got: RawResponse): Promise<Readonly<Record<string, unknown>>> {
  return gateway.accessLog(String(got.header('x-request-id')));
}

/** Tries that failed, tries that went well, and retries. */
async function numbers(): Promise<number[]> {
  const tries = (outcome: string) => metric(gateway.url, 'upstream_requests_total', { upstream: 'api', outcome });
  return [
    await tries('server_error'),
    await tries('success'),
    await metric(gateway.url, 'upstream_retries_total', { upstream: 'api' }),
  ];
}
