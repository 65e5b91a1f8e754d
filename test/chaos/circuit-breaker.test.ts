/** Breakers when processes die or stop: a new worker knows what the others know, and nobody waits for the supervisor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const few = { minimumRequests: 4, window: 30_000 };
const gateway = await startGateway({
  workers: 2,
  config: {
    upstreams: [
      { name: 'long', url: `${upstream.url}/long`, circuitBreaker: { ...few, openDuration: 120_000 } },
      { name: 'brief', url: `${upstream.url}/brief`, circuitBreaker: { ...few, openDuration: 500 } },
    ],
    routes: [
      { path: '/long', upstream: 'long' },
      { path: '/brief', upstream: 'brief' },
    ],
  },
});

test('workers that replace killed ones are born with the circuits as they are', async () => {
  await breakIt('/long', 'long');
  const asked = upstream.requestsTo('/long/long').length;
  await replaceWorkers();
  for (let i = 0; i < 10; i++) assert.equal((await get('/long')).json()['code'], 'circuit_open');
  assert.equal(upstream.requestsTo('/long/long').length, asked);
});

test('a probe whose worker was killed is given back', async () => {
  await breakIt('/brief', 'brief');
  await stateOf('brief', 1);
  // The probe gets no answer, and its worker is killed while it waits.
  upstream.on('/brief/brief', () => {});
  const before = upstream.requestsTo('/brief/brief').length;
  const client = await rawClient(gateway.port);
  client.write('GET /brief HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => (upstream.requestsTo('/brief/brief').length > before ? true : null), 'the probe');
  await replaceWorkers();
  client.destroy();
  upstream.on('/brief/brief', (request) => request.send(response(200)));
  await eventually(async () => ((await get('/brief')).status === 200 ? true : null), 'the circuit to close');
  await stateOf('brief', 0);
});

test('while the supervisor is stopped requests are decided all the same, and at once', async () => {
  await breakIt('/brief', 'brief');
  upstream.on('/brief/brief', (request) => request.send(response(200)));
  gateway.signal('SIGSTOP');
  try {
    for (let i = 0; i < 5; i++) assert.equal((await within(get('/long'), 'an answer', 5_000)).status, 503);
    await delay(600);
    const got = await within(get('/brief'), 'an answer', 5_000);
    // Its time is over, and nobody could say whose the probe is: it goes.
    assert.equal(got.status, 200);
  } finally {
    gateway.signal('SIGCONT');
  }
  await stateBy(() => get('/brief'), 'brief', 0);
});

async function replaceWorkers(): Promise<void> {
  const old = gateway.workers();
  for (const pid of old) process.kill(pid, 'SIGKILL');
  await eventually(() => {
    const now = gateway.workers();
    return now.length === 2 && now.every((pid) => !old.includes(pid)) ? true : null;
  }, 'new workers');
  // Two processes start at once, on a machine that may be busy.
  const areListening = async (): Promise<true | null> =>
    (await metric(gateway.adminUrl, 'workers')) === 2 ? true : null;
  await eventually(areListening, 'them to listen', 60_000);
}

/** The upstream fails until the circuit is open. */
async function breakIt(path: string, name: string): Promise<void> {
  upstream.on(`/${name}${path}`, (request) => request.send(response(500)));
  const openings = (): Promise<number> =>
    metric(gateway.adminUrl, 'circuit_breaker_transitions_total', { upstream: name, to: 'open' });
  const before = await openings();
  await eventually(async () => {
    await get(path);
    return (await openings()) > before ? true : null;
  }, `the circuit of ${name} to open`);
  await delay(100);
}

async function stateBy(act: () => Promise<unknown>, name: string, state: number): Promise<void> {
  await eventually(async () => {
    await act();
    return (await metric(gateway.adminUrl, 'circuit_breaker_state', { upstream: name })) === state ? true : null;
  }, `state ${state} of ${name}`);
}

function stateOf(name: string, state: number): Promise<void> {
  return stateBy(async () => {}, name, state);
}

async function get(path: string): Promise<RawResponse> {
  const client = await rawClient(gateway.port);
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const got = await client.finalResponse();
  client.destroy();
  assert.ok(got !== null);
  return got;
}
