/** SIGTERM and SIGINT: what is in flight is finished, who comes late is let down gently, and the exit code tells the truth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { forwardAll, type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const echoing = {
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/echo/*', upstream: 'echo' }],
};
const withShutdown = (delay: number, timeout: number) => ({ ...echoing, proxy: { shutdown: { delay, timeout } } });

test('during the delay it is not ready, still accepts, and closes each connection with its answer', async () => {
  const gateway = await startGateway({ config: withShutdown(60_000, 2000), workers: 2 });
  gateway.signal('SIGTERM');
  await eventually(async () => ((await readiness(gateway.adminUrl)) === 503 ? true : null), 'not being ready');
  await eventually(
    async () => ((await readiness(gateway.url)) === 503 ? true : null),
    'not being ready on the proxy port',
  );
  const answer = await fetch(`${gateway.url}/echo/x`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('connection'), 'close');
  await answer.arrayBuffer();
  await endsWithoutTheDelay(gateway);
});

test('no request is lost by clients that stop sending when they see that it is not ready', async () => {
  const gateway = await startGateway({ config: withShutdown(60_000, 5000), workers: 2 });
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(50);
  gateway.signal('SIGTERM');
  await eventually(async () => ((await readiness(gateway.adminUrl)) === 503 ? true : null), 'not being ready');
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  await endsWithoutTheDelay(gateway);
});

test('a request in flight is finished after the listener has closed, and the exit code is 0', async () => {
  const { gateway, request, asked } = await withRequestInFlight(60_000, 200);
  gateway.signal('SIGTERM');
  await refusesConnections(gateway);
  assert.equal((await fetch(`${gateway.adminUrl}/health/live`)).status, 200);
  request.send(response(200, [], 'finished'));
  const answer = await asked;
  assert.equal(answer.headers.get('connection'), 'close');
  assert.equal(await answer.text(), 'finished');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('requests that were pipelined before the drain are all answered, and the last answer closes the connection', async () => {
  const upstream = await recordingUpstream();
  upstream.on('/first', () => {});
  const gateway = await startGateway({
    config: forwardAll(upstream.url, { proxy: { shutdown: { delay: 60_000, timeout: 2000 } } }),
  });
  const client = await rawClient(gateway.port);
  client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  const first = await upstream.arrival('/first');
  gateway.signal('SIGTERM');
  await eventually(async () => ((await readiness(gateway.url)) === 503 ? true : null), 'not being ready');
  first.send(response(200, [], 'one'));
  const answers = [await client.response(), await client.response()];
  assert.deepEqual(
    answers.map((answer) => [answer?.status, answer?.header('connection')]),
    [
      [200, 'keep-alive'],
      [200, 'close'],
    ],
  );
  assert.equal(await client.closed(), 'end');
  await endsWithoutTheDelay(gateway);
});

test('a request that takes longer than the timeout is cut, and the exit code is 2', async () => {
  const { gateway, asked } = await withRequestInFlight(500);
  gateway.signal('SIGTERM');
  await assert.rejects(asked);
  assert.deepEqual(await gateway.exit, { code: 2, signal: null });
});

test('a second signal ends it at once', async () => {
  const { gateway, asked } = await withRequestInFlight(60_000);
  const outcome = asked.then(
    () => 'answered',
    () => 'cut',
  );
  gateway.signal('SIGTERM');
  await refusesConnections(gateway);
  gateway.signal('SIGTERM');
  // Not after a minute, the time that the request has.
  assert.deepEqual(await within(gateway.exit, 'the end', 30_000), { code: 2, signal: null });
  assert.equal(await outcome, 'cut');
});

test('a second signal also ends the delay, and with nothing to cut the exit code is 0', async () => {
  const gateway = await startGateway({ config: withShutdown(60_000, 60_000) });
  gateway.signal('SIGTERM');
  await eventually(async () => ((await readiness(gateway.adminUrl)) === 503 ? true : null), 'not being ready');
  gateway.signal('SIGINT');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('SIGINT to the whole process group, as from a terminal, drains without the delay', async () => {
  const { gateway, request, asked } = await withRequestInFlight(10_000, 60_000);
  process.kill(-gateway.pid, 'SIGINT');
  await refusesConnections(gateway);
  request.send(response(200, [], 'finished'));
  assert.equal(await (await asked).text(), 'finished');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('a worker that does not drain is killed, and counts as cut', async () => {
  const gateway = await startGateway({ config: withShutdown(0, 500), workers: 2 });
  const [worker = 0] = gateway.workers();
  process.kill(worker, 'SIGSTOP');
  gateway.signal('SIGTERM');
  assert.deepEqual(await gateway.exit, { code: 2, signal: null });
});

test('a worker that dies during the delay is replaced: connections are still accepted', async () => {
  const gateway = await startGateway({ config: withShutdown(60_000, 1000), workers: 1 });
  const [worker = 0] = gateway.workers();
  gateway.signal('SIGTERM');
  await eventually(async () => ((await readiness(gateway.adminUrl)) === 503 ? true : null), 'not being ready');
  process.kill(worker, 'SIGKILL');
  const answer = await fetch(`${gateway.url}/echo/x`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('connection'), 'close');
  await answer.arrayBuffer();
  await endsWithoutTheDelay(gateway);
});

/** A second signal, while nothing is in flight. */
async function endsWithoutTheDelay(gateway: Gateway): Promise<void> {
  gateway.signal('SIGTERM');
  assert.deepEqual(await within(gateway.exit, 'the end', 30_000), { code: 0, signal: null });
}

async function withRequestInFlight(timeout: number, delay = 0) {
  const upstream = await recordingUpstream();
  const gateway = await startGateway({
    config: {
      proxy: { shutdown: { delay, timeout } },
      upstreams: [{ name: 'slow', url: upstream.url, timeout: 60_000 }],
      routes: [{ path: '/slow', upstream: 'slow' }],
    },
  });
  upstream.on('/slow', () => {});
  const asked = fetch(`${gateway.url}/slow`);
  // Awaited later; until then its rejection is nobody's.
  asked.catch(() => {});
  const request = await upstream.arrival('/slow');
  return { gateway, request, asked };
}

async function refusesConnections(gateway: Gateway): Promise<void> {
  await eventually(async () => {
    try {
      await fetch(`${gateway.url}/health/live`);
      return null;
    } catch (error) {
      return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED' ? true : null;
    }
  }, 'the closed port');
}

async function readiness(url: string): Promise<number> {
  const response = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } });
  await response.arrayBuffer();
  return response.status;
}
