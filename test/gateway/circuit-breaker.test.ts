/** An upstream that keeps failing is not asked for a while, by any worker; then one try finds out whether it is well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const spare = await recordingUpstream();
/** So long that nothing half-opens by itself while a test looks at something else. */
const longMs = 60_000;
const few = { minimumRequests: 4, window: 30_000 };
const config = {
  upstreams: [
    { name: 'plain', url: `${upstream.url}/plain`, circuitBreaker: { ...few, openDuration: longMs } },
    { name: 'brief', url: `${upstream.url}/brief`, circuitBreaker: { ...few, openDuration: 1_000 } },
    { name: 'held', url: `${upstream.url}/held`, circuitBreaker: { ...few, openDuration: 1_000 } },
    { name: 'retrying', url: `${upstream.url}/retrying`, retries: 3, circuitBreaker: { ...few, openDuration: longMs } },
    { name: 'covered', url: `${upstream.url}/covered`, circuitBreaker: { ...few, openDuration: longMs } },
    {
      name: 'shadowed',
      url: `${upstream.url}/shadowed`,
      circuitBreaker: { ...few, openDuration: longMs, mode: 'shadow' },
    },
    {
      name: 'picky',
      url: `${upstream.url}/picky`,
      circuitBreaker: { ...few, openDuration: longMs, failOn: ['503', 'reset'] },
    },
    {
      name: 'clients',
      url: `${upstream.url}/clients`,
      timeout: longMs,
      circuitBreaker: { ...few, openDuration: longMs },
    },
    { name: 'spare', url: spare.url },
  ],
  routes: [
    ...['plain', 'brief', 'held', 'retrying', 'shadowed', 'picky', 'clients'].map((name) => ({
      path: `/${name}`,
      upstream: name,
    })),
    { path: '/covered', upstream: 'covered', fallback: 'spare' },
  ],
};
const gateway = await startGateway({ workers: 2, config });
const workers = gateway.workers();

test('it opens after enough failures, in every worker within 100 ms, and says when to come back', async () => {
  answerWith('/plain/plain', 500);
  await breakIt('/plain', 'plain');
  const asked = upstream.requestsTo('/plain/plain').length;
  await delay(100);
  for (let i = 0; i < 20; i++) {
    const got = await get('/plain');
    assert.equal(got.status, 503);
    assert.equal(got.json()['code'], 'circuit_open');
    const seconds = Number(got.header('retry-after'));
    assert.ok(seconds > 50 && seconds <= 60, `${seconds} s`);
  }
  assert.equal(upstream.requestsTo('/plain/plain').length, asked);
});

test('log and metrics tell of it', async () => {
  const line = await gateway.log((one) => one['circuit'] === 'open' && one['upstream'] === 'plain');
  assert.equal(line['level'], 40);
  assert.equal(await metric(gateway.url, 'circuit_breaker_state', { upstream: 'plain' }), 2);
  assert.equal(await openings('plain'), 1);
  const refused = await get('/plain');
  const logged = await gateway.accessLog(String(refused.header('x-request-id')));
  assert.deepEqual([logged['code'], logged['upstream'], logged['attempts']], ['circuit_open', 'plain', undefined]);
});

test('a reload keeps it open as long as the upstream is the same', async () => {
  assert.equal(await gateway.reload({ ...config, proxy: { timeout: 29_000 } }), 'accepted');
  assert.equal((await get('/plain')).status, 503);
  const changed = config.upstreams.map((one) => (one.name === 'plain' ? { ...one, timeout: 9_000 } : one));
  assert.equal(await gateway.reload({ ...config, upstreams: changed }), 'accepted');
  for (let i = 0; i < 4; i++) assert.equal((await get('/plain')).status, 503);
});

test('a breaker that a reload takes away is closed when another one brings it back', async () => {
  const without = config.upstreams.map((one) => ({ ...one, circuitBreaker: undefined }));
  assert.equal(await gateway.reload({ ...config, upstreams: without }), 'accepted');
  assert.equal(await gateway.reload(config), 'accepted');
  assert.equal((await get('/plain')).status, 500);
  await stateOf('plain', 0);
});

test('after its time one good try closes it', async () => {
  answerWith('/brief/brief', 500);
  await breakIt('/brief', 'brief');
  answerWith('/brief/brief', 200);
  await eventually(async () => ((await get('/brief')).status === 200 ? true : null), 'the circuit to close');
  assert.equal(
    await metric(gateway.url, 'circuit_breaker_transitions_total', { upstream: 'brief', to: 'half-open' }),
    1,
  );
  await stateOf('brief', 0);
  for (let i = 0; i < 10; i++) assert.equal((await get('/brief')).status, 200);
});

test('while it is half-open there is one probe on the whole node, and a failed one opens it again', async () => {
  answerWith('/held/held', 500);
  await breakIt('/held', 'held');
  await stateOf('held', 1);
  const before = upstream.requestsTo('/held/held').length;
  let answer = (): void => {};
  upstream.on('/held/held', (request) => {
    answer = () => request.send(response(500));
  });
  let refused = 0;
  const many = Array.from({ length: 20 }, async () => {
    if ((await get('/held')).status === 503) refused++;
  });
  await eventually(() => (refused === 19 ? true : null), 'all but one to be refused');
  assert.equal(upstream.requestsTo('/held/held').length, before + 1);
  answer();
  await Promise.all(many);
  await eventually(async () => ((await openings('held')) === 2 ? true : null), 'it to open again');
});

test('each try counts, and an open circuit ends the retries', async () => {
  answerWith('/retrying/retrying', 503);
  await breakIt('/retrying', 'retrying');
  const asked = upstream.requestsTo('/retrying/retrying').length;
  assert.ok(asked < 20, `${asked} tries`);
  await delay(100);
  assert.equal((await get('/retrying')).json()['code'], 'circuit_open');
  assert.equal(upstream.requestsTo('/retrying/retrying').length, asked);
});

test('a fallback answers while it is open, whatever the method', async () => {
  answerWith('/covered/covered', 500);
  await stateBy(() => get('/covered'), 'covered', 2);
  await delay(100);
  const got = await send('POST', '/covered', 'body');
  assert.equal(got.status, 200);
  assert.equal(spare.requestsTo('/covered').at(-1)?.body.bytes.toString(), 'body');
  const line = await gateway.accessLog(String(got.header('x-request-id')));
  assert.deepEqual([line['upstream'], line['fallbackFor'], line['attempts']], ['spare', 'covered', 1]);
});

test('in shadow mode it decides, counts and logs, and lets everything pass', async () => {
  answerWith('/shadowed/shadowed', 500);
  await breakIt('/shadowed', 'shadowed');
  // A worker may hear of it a little later, and its numbers come once a second.
  const shadow = await eventually(async () => {
    const got = await get('/shadowed');
    assert.equal(got.status, 500);
    return (await gateway.accessLog(String(got.header('x-request-id'))))['shadow'] ?? null;
  }, 'a worker that would have refused');
  assert.deepEqual(shadow, ['circuit_open']);
  await eventually(
    async () => (await metric(gateway.url, 'shadow_decisions_total', { policy: 'circuitBreaker' })) >= 1 || null,
    'it to be counted',
  );
});

test('failOn says what counts', async () => {
  answerWith('/picky/picky', 500);
  for (let i = 0; i < 10; i++) await get('/picky');
  await delay(200);
  assert.equal(await metric(gateway.url, 'circuit_breaker_state', { upstream: 'picky' }), 0);
  answerWith('/picky/picky', 503);
  for (let i = 0; i < 10; i++) await get('/picky');
  await stateOf('picky', 2);
});

test('neither a 4xx nor a client that leaves is held against the upstream', async () => {
  answerWith('/clients/clients', 404);
  for (let i = 0; i < 10; i++) assert.equal((await get('/clients')).status, 404);
  upstream.on('/clients/clients', () => {});
  for (let i = 0; i < 10; i++) {
    const client = await rawClient(gateway.port);
    client.write(`GET /clients HTTP/1.1\r\nHost: a\r\nX-Request-Id: left-${i}\r\n\r\n`);
    await upstream.arrival('/clients/clients');
    client.destroy();
  }
  for (let i = 0; i < 10; i++) await gateway.accessLog(`left-${i}`);
  await delay(200);
  assert.equal(await metric(gateway.url, 'circuit_breaker_state', { upstream: 'clients' }), 0);
});

test('the workers have lived through all of it', () => {
  assert.deepEqual(gateway.workers(), workers);
});

/** Sends requests until the circuit has opened once more. */
async function breakIt(path: string, name: string): Promise<void> {
  const before = await openings(name);
  await eventually(async () => {
    await get(path);
    return (await openings(name)) > before ? true : null;
  }, `the circuit of ${name} to open`);
}

function openings(name: string): Promise<number> {
  return metric(gateway.url, 'circuit_breaker_transitions_total', { upstream: name, to: 'open' });
}

async function stateBy(act: () => Promise<unknown>, name: string, state: number): Promise<void> {
  await eventually(async () => {
    await act();
    return (await metric(gateway.url, 'circuit_breaker_state', { upstream: name })) === state ? true : null;
  }, `state ${state} of ${name}`);
}

function stateOf(name: string, state: number): Promise<void> {
  return stateBy(async () => {}, name, state);
}

function answerWith(path: string, status: number): void {
  upstream.on(path, (request) => request.send(response(status)));
}

function get(path: string): Promise<RawResponse> {
  return send('GET', path, '');
}

function send(method: string, path: string, body: string): Promise<RawResponse> {
  const framing = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  return ask(gateway.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n${body}`, method);
}
