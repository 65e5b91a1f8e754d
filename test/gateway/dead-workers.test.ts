/** Workers that die, hang, or lose their supervisor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { forwardAll, type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { isRunning } from '../support/processes.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const config = {
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/echo/*', upstream: 'echo' }],
};

test('a killed worker is replaced and the others serve on', async () => {
  const gateway = await startGateway({ config, workers: 2 });
  const [victim = 0, survivor = 0] = gateway.workers();
  process.kill(victim, 'SIGKILL');
  await listening(gateway, 2, victim);
  assert.ok(gateway.workers().includes(survivor));
  await countsRestart(gateway, 'signal');
  const death = await gateway.log(({ msg }) => msg === 'worker died', 'the death');
  assert.equal(death['how'], 'SIGKILL');
});

test('while the only worker is replaced, new connections wait and none is refused', async () => {
  const gateway = await startGateway({ config, workers: 1 });
  const [victim = 0] = gateway.workers();
  process.kill(victim, 'SIGKILL');
  await eventually(() => (isRunning(victim) ? null : true), 'the worker’s death');
  const load = startLoad(`${gateway.url}/echo/x`, { persistent: 0, fresh: 20 });
  await load.more(20);
  assert.deepEqual((await load.stop()).failures, []);
});

test('workers that die again and again are replaced more and more slowly', async () => {
  const gateway = await startGateway({ config, workers: 1 });
  for (let deaths = 1; deaths <= 4; deaths++) {
    const victim = await eventually(() => gateway.workers()[0] ?? null, 'a worker to kill');
    process.kill(victim, 'SIGKILL');
    await eventually(() => (deathsOf(gateway).length === deaths ? true : null), `death ${deaths}`);
  }
  assert.deepEqual(
    deathsOf(gateway).map(({ delayMs }) => delayMs),
    [0, 100, 200, 400],
  );
  await eventually(async () => ((await metric(gateway.adminUrl, 'workers')) === 1 ? true : null), 'a worker');
});

test('workers do not obey signals', async () => {
  const gateway = await startGateway({ config, workers: 1 });
  const [worker = 0] = gateway.workers();
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR2'] as const) process.kill(worker, signal);
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  assert.deepEqual(gateway.workers(), [worker]);
});

test('a worker that hangs is killed and replaced, and takes no connection meanwhile', async () => {
  const gateway = await startGateway({ config, workers: 2 });
  const [victim = 0, survivor = 0] = gateway.workers();
  process.kill(victim, 'SIGSTOP');
  const stoppedAt = performance.now();
  const load = startLoad(`${gateway.url}/echo/x`, { persistent: 0, fresh: 2 });
  await eventually(() => (isRunning(victim) ? null : true), 'the end of the hung worker', 25_000);
  const hungMs = performance.now() - stoppedAt;
  assert.ok(hungMs > 8_500, `it was given ${hungMs} ms`);
  await listening(gateway, 2, victim);
  assert.deepEqual((await load.stop()).failures, []);
  assert.ok(gateway.workers().includes(survivor));
  await countsRestart(gateway, 'hang');
});

test('a supervisor that was stopped for longer does not take its workers for hung', async () => {
  const gateway = await startGateway({ config, workers: 2 });
  const before = gateway.workers();
  // As a suspended machine does: all stop, and all go on; the workers a little later.
  for (const pid of [gateway.pid, ...before]) process.kill(pid, 'SIGSTOP');
  await passes(11_000);
  process.kill(gateway.pid, 'SIGCONT');
  await passes(1_000);
  for (const pid of before) process.kill(pid, 'SIGCONT');
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  assert.deepEqual(gateway.workers(), before);
});

test('when the supervisor is killed, an idle worker leaves, and a busy one when its request has been answered', async () => {
  const upstream = await recordingUpstream();
  upstream.on('/slow', () => {});
  const gateway = await startGateway({
    config: forwardAll(upstream.url, { proxy: { shutdown: { delay: 0, timeout: 60_000 } } }),
    workers: 2,
  });
  const workers = gateway.workers();
  const asked = fetch(`${gateway.url}/slow`);
  const request = await upstream.arrival('/slow');
  process.kill(gateway.pid, 'SIGKILL');
  await eventually(() => (workers.filter(isRunning).length === 1 ? true : null), 'the end of the idle worker');
  const refused = (): Promise<true | null> =>
    answerOf(gateway.url).then(
      () => null,
      () => true,
    );
  await eventually(refused, 'nobody to be let in any more');
  request.send(response(200, [], 'finished'));
  const answer = await asked;
  assert.deepEqual([answer.status, answer.headers.get('connection')], [200, 'close']);
  assert.equal(await answer.text(), 'finished');
  await eventually(() => (workers.some(isRunning) ? null : true), 'the end of the other');
});

test('requests that never end do not hold workers whose supervisor is gone: they are cut when the time of a drain is up', async () => {
  const upstream = await recordingUpstream();
  upstream.on('/stuck', () => {});
  const gateway = await startGateway({
    config: forwardAll(upstream.url, { proxy: { shutdown: { delay: 0, timeout: 300 } } }),
  });
  const workers = gateway.workers();
  const asked = assert.rejects(fetch(`${gateway.url}/stuck`));
  await upstream.arrival('/stuck');
  process.kill(gateway.pid, 'SIGKILL');
  await asked;
  await eventually(() => (workers.some(isRunning) ? null : true), 'the end of the worker');
});

async function answerOf(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text();
}

function deathsOf(gateway: Gateway) {
  return gateway.logs.filter(({ msg }) => msg === 'worker died');
}

/** The supervisor may learn of a death a moment after the process table has. */
async function countsRestart(gateway: Gateway, reason: string): Promise<void> {
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'worker_restarts_total', { reason })) === 1 ? true : null),
    `one restart to be counted as ${reason}`,
  );
}

/** Waits until so many workers accept connections, the dead one not among them. */
async function listening(gateway: Gateway, count: number, dead: number): Promise<void> {
  await eventually(async () => {
    if (gateway.workers().includes(dead)) return null;
    return (await metric(gateway.adminUrl, 'workers')) === count ? true : null;
  }, `${count} workers that listen`);
}

/** Time itself is what is tested. */
function passes(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
