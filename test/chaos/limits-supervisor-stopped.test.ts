/** The supervisor, which keeps the limits, stops for a while: nobody waits for it for long, and limits still hold in each worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, rawClient } from '../support/raw-client.ts';

const hour = 3_600_000;
const request = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('a supervisor that does not answer is done without, and asked again when it is back', async () => {
  const config = { routes: [{ path: '/*', respond: { status: 204 }, rateLimit: { max: 2, windowMs: hour } }] };
  const gateway = await startGateway({ config, workers: 1 });
  const pass = async (): Promise<number> => (await ask(gateway.port, request)).status;
  assert.equal(await pass(), 204);

  gateway.signal('SIGSTOP');
  try {
    // The worker knows nothing of what was used before, and keeps the whole limit from here on.
    assert.deepEqual([await pass(), await pass(), await pass()], [204, 204, 429]);
    await gateway.log(({ msg }) => msg === 'limits: the supervisor does not answer, this worker keeps them by itself');
    // Only the first has waited: a hundred more would else take minutes.
    await within(Promise.all(Array.from({ length: 100 }, pass)), 'a hundred requests', 5_000);
  } finally {
    gateway.signal('SIGCONT');
  }
  await gateway.log(({ msg }) => msg === 'limits: the supervisor answers again');

  // The supervisor's own count goes on: the request that it woke up to has been counted there as well.
  assert.equal(await pass(), 429);
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'rate_limit_alone_total')) === 103 ? true : null),
    'the decisions without it to be counted',
  );
});

test('when the supervisor dies, a worker that drains keeps the limits by itself', async () => {
  const config = {
    upstreams: [{ name: 'echo', builtin: 'echo' }],
    routes: [{ path: '/*', upstream: 'echo', rateLimit: { max: 1, windowMs: hour } }],
  };
  const gateway = await startGateway({ config, workers: 1 });
  const [busy, idle] = [await rawClient(gateway.port), await rawClient(gateway.port)];
  // A request whose body is on its way keeps the worker alive.
  busy.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na');
  await eventually(() => isUnderWay(gateway.adminUrl), 'the request to be under way');
  idle.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await idle.finalResponse())?.status, 429);

  gateway.signal('SIGKILL');
  idle.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await idle.finalResponse())?.status, 200);
  busy.write('b');
  assert.equal((await busy.finalResponse('POST'))?.status, 200);
});

async function isUnderWay(url: string): Promise<true | null> {
  return (await metric(url, 'http_requests_in_flight')) === 1 ? true : null;
}
