/** SIGUSR2: every worker is replaced by a new one, and nobody outside can tell. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { copyProgram } from '../support/program-copy.ts';

const config = {
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/echo/*', upstream: 'echo' }],
};

for (const workers of [2, 1]) {
  test(`replaces every worker and loses no request, with ${workers} of them`, async () => {
    const gateway = await startGateway({ config, workers });
    const before = gateway.workers();
    assert.equal(before.length, workers);
    const load = startLoad(`${gateway.url}/echo/x`);
    await load.more(50);

    gateway.signal('SIGUSR2');
    await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the end of the replacement');
    await load.more(50);

    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
    const now = gateway.workers();
    assert.equal(now.length, workers);
    assert.ok(now.every((pid) => !before.includes(pid)));
    assert.equal(await metric(gateway.adminUrl, 'workers'), workers);
    assert.equal(await metric(gateway.adminUrl, 'worker_restarts_total'), 0);
  });

  test(`counts every request once, with ${workers} of them`, async () => {
    const gateway = await startGateway({ config, workers });
    const load = startLoad(`${gateway.url}/echo/x`);
    await load.more(200);
    const { answered } = await load.stop();
    // The reports of workers that leave are in the registry before they are gone.
    gateway.signal('SIGUSR2');
    await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the end of the replacement');
    assert.equal(await metric(gateway.adminUrl, 'http_requests_total', { route: '/echo/*' }), answered);
  });
}

test('a signal that comes during a replacement asks for one more, however often it comes', async () => {
  const gateway = await startGateway({ config, workers: 1 });
  const ends = () => gateway.logs.filter(({ msg }) => msg === 'all workers have been replaced').length;
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'replacing all workers, one at a time', 'the beginning');
  for (let i = 0; i < 5; i++) gateway.signal('SIGUSR2');
  await eventually(() => (ends() === 2 ? true : null), 'two replacements');

  gateway.signal('SIGHUP');
  await gateway.log(({ msg }) => String(msg).startsWith('reload:'), 'a reload after them');
  assert.equal(ends(), 2);
});

test('when the new code does not start, the old workers stay, and the next signal tries again', async () => {
  const copy = copyProgram();
  const gateway = await startGateway({ config, workers: 2, program: copy.program });
  const before = gateway.workers();
  const load = startLoad(`${gateway.url}/echo/x`);
  const repair = copy.append('workers/gateway.ts', "throw new Error('broken on purpose');");
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => String(msg).startsWith('not all workers have been replaced'), 'the failure');
  assert.deepEqual(gateway.workers(), before);

  repair();
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the replacement');
  await load.more(20);
  assert.deepEqual((await load.stop()).failures, []);
});

test('a reload and a replacement at the same time both happen, and lose no request', async () => {
  const gateway = await startGateway({ config, workers: 2 });
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(20);
  gateway.signal('SIGUSR2');
  const result = await gateway.reload({ ...config, routes: [...config.routes, { path: '/new/*', upstream: 'echo' }] });
  assert.equal(result, 'accepted');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the end of the replacement');

  // Every worker has the new config: with connections of their own, requests reach them all.
  for (let i = 0; i < 20; i++) {
    const answer = await fetch(`${gateway.url}/new/x`, { headers: { connection: 'close' } });
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  }
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
});
