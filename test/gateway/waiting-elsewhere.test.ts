/** Where no place is left to wait, a request goes elsewhere: to another target, then to the fallback. Nothing of it is a failure, or a retry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawClient, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const first = await recordingUpstream();
const second = await recordingUpstream();
const spare = await recordingUpstream();
/** One request at a time, and none waits. */
const narrow = { maxConnections: 1, maxPending: 0 };
const retries = { attempts: 3, backoff: { base: 1, max: 2 } };
const gateway = await startGateway({
  config: {
    upstreams: [
      {
        name: 'pair',
        targets: [{ url: first.url }, { url: second.url }],
        // All of a client's requests would go to one of them.
        balance: 'consistent-hash',
        hashOn: 'ip',
        retries,
        ...narrow,
      },
      { name: 'alone', url: first.url, retries, ...narrow },
      { name: 'impatient', url: first.url, timeout: 200, maxConnections: 1, circuitBreaker: { minimumRequests: 2 } },
      { name: 'spare', url: spare.url },
    ],
    routes: [
      { path: '/pair/*', upstream: 'pair' },
      { path: '/alone/*', upstream: 'alone' },
      { path: '/covered/*', upstream: 'alone', fallback: 'spare' },
      { path: '/impatient/*', upstream: 'impatient', timeout: 200 },
      { path: '/patient/*', upstream: 'impatient', timeout: 20_000 },
    ],
  },
});

test('another target that has room; when none has any, 503 overloaded', async () => {
  const holders = [await hold('/pair/held'), await hold('/pair/held')];
  const sentTo = [first, second].map((upstream) => upstream.requestsTo('/pair/held').length);
  assert.deepEqual(sentTo, [1, 1]);
  assertBusy(await post('/pair/refused'));
  for (const holder of holders) holder.destroy();
});

test('the fallback, whatever the method: nothing has been sent', async () => {
  const holder = await hold('/alone/held');
  assertBusy(await post('/alone/refused'));
  const answer = await post('/covered/x');
  assert.equal(answer.status, 200);
  assert.equal(spare.requestsTo('/covered/x').length, 1);
  const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
  assert.deepEqual([line['upstream'], line['fallbackFor'], line['attempts']], ['spare', 'alone', 1]);
  holder.destroy();
});

test('none of that has been a try, or a retry', async () => {
  for (const upstream of ['pair', 'alone']) {
    assert.equal(await metric(gateway.url, 'upstream_retries_total', { upstream }), 0);
  }
  assert.equal(first.requestsTo('/pair/refused').length + first.requestsTo('/alone/refused').length, 0);
  assert.equal(await metric(gateway.url, 'shed_requests_total', { priority: 'normal' }), 2);
});

test('an upstream is not to blame for those whose time was up while they waited: its circuit stays closed', async () => {
  const holder = await hold('/patient/held');
  for (let i = 0; i < 3; i++) {
    const late = await post('/impatient/waits');
    assert.deepEqual([late.status, late.json()['code']], [504, 'upstream_timeout']);
  }
  const labels = { upstream: 'impatient', outcome: 'canceled' };
  assert.equal(await metric(gateway.url, 'upstream_requests_total', labels), 3);
  holder.destroy();
  const answer = await ask(gateway.port, 'GET /patient/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(answer.status, 200);
});

/** A request that one of the upstreams has, and does not answer. */
async function hold(path: string): Promise<RawClient> {
  for (const upstream of [first, second]) upstream.on(path, () => {});
  const arrived = (): number => first.requestsTo(path).length + second.requestsTo(path).length;
  const before = arrived();
  const client = await rawClient(gateway.port);
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await eventually(() => (arrived() > before ? true : null), `another request to ${path} at an upstream`);
  return client;
}

function post(path: string): Promise<RawResponse> {
  return ask(gateway.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`);
}

function assertBusy(answer: RawResponse): void {
  assert.deepEqual([answer.status, answer.json()['code']], [503, 'overloaded']);
  assert.ok(Number(answer.header('retry-after')) >= 1);
}
