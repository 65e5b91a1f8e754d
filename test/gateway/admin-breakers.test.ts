/** Opening and closing a circuit breaker through the admin listener. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';

const breaker = { failureThreshold: 50, minimumRequests: 2, openDuration: '20s' };
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'echo', builtin: 'echo', circuitBreaker: breaker },
      { name: 'plain', builtin: 'echo' },
    ],
    routes: [
      { path: '/echo', upstream: 'echo' },
      { path: '/plain', upstream: 'plain' },
    ],
  },
  workers: 2,
});
const order = (what: string, body?: object) =>
  askAdmin(gateway, `POST /breakers/${what}`, {
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

test('open keeps all requests away until it is closed, and clients are told to come back', async () => {
  assert.deepEqual((await order('echo/open')).body, { upstream: 'echo', breaker: 'open', forMs: null });
  await statusOf(503);
  const refused = await fetch(`${gateway.url}/echo`);
  assert.equal(((await refused.json()) as { code: string }).code, 'circuit_open');
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 20, `Retry-After: ${seconds}`);
  const { state, isHeld } = await standing();
  assert.deepEqual([state, isHeld], ['open', true]);
  assert.equal((await fetch(`${gateway.url}/plain`)).status, 200);

  assert.equal((await order('echo/close')).status, 200);
  await statusOf(200);
  assert.deepEqual((await standing()).isHeld, false);
});

test('open for a while ends by itself: a probe finds the upstream well', async () => {
  await order('echo/open', { for: '300ms' });
  await gateway.log(({ circuit }) => circuit === 'half-open', 'the end of the time');
  await statusOf(200);
  assert.equal((await standing()).state, 'closed');
});

test('a worker that is born later knows of it', async () => {
  await order('echo/open');
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the new workers');
  assert.equal((await fetch(`${gateway.url}/echo`)).status, 503);
  await order('echo/close');
  await statusOf(200);
});

test('an upstream without a breaker is 404, and what makes no sense is 400', async () => {
  assert.equal((await order('plain/open')).status, 404);
  assert.equal((await order('nobody/close')).status, 404);
  for (const body of [{ for: 'soon' }, { for: 0 }, { for: '9999h' }, { long: '1s' }, ['1s']]) {
    assert.equal((await order('echo/open', body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await order('echo/close', { for: '1s' })).status, 400);
});

async function standing() {
  const { body } = await askAdmin(gateway, 'GET /upstreams');
  return body.upstreams.find(({ name }: { name: string }) => name === 'echo').breaker;
}

/** On a connection of its own, which any worker may take. */
const alone = { headers: { connection: 'close' } };

/** Of many at once: all workers have heard. */
async function statusOf(status: number): Promise<void> {
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => fetch(`${gateway.url}/echo`, alone)));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    return answers.every((answer) => answer.status === status) ? true : null;
  }, `status ${status}`);
}
