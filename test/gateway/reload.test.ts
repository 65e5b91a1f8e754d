/** SIGHUP: the new config is in force everywhere or nowhere, and nobody's request suffers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstreams = [{ name: 'echo', builtin: 'echo' }];
const echo = { path: '/echo/*', upstream: 'echo' };
const answer = (status: number) => ({ path: '/answer', respond: { status } });

test('a reload under load fails no request, and every worker has the new config when it is accepted', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [echo, answer(201)] }, workers: 2 });
  const load = startLoad(`${gateway.url}/echo/x`);
  await load.more(50);
  for (const status of [202, 203, 200]) {
    assert.equal(await gateway.reload({ upstreams, routes: [echo, answer(status)] }), 'accepted');
    assert.deepEqual(await statusesOf(gateway), [status]);
  }
  await load.more(50);
  assert.deepEqual((await load.stop()).failures, []);
  assert.equal(await metric(gateway.adminUrl, 'config_version'), 4);
  const takenUpAt = await metric(gateway.adminUrl, 'config_last_reload_timestamp_seconds');
  assert.ok(Math.abs(Date.now() / 1000 - takenUpAt) < 60);
});

test('an accepted reload logs what it changes, and what only a restart takes up', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [echo, answer(201)] } });
  await gateway.reload({
    proxy: { workers: 7 },
    upstreams: [...upstreams, { name: 'more', builtin: 'echo' }],
    routes: [answer(202), { path: '/more', upstream: 'more' }],
  });
  const { changes } = await gateway.log(({ changes }) => Array.isArray(changes), 'the changes');
  for (const part of ['upstream more added', 'route /more added', 'route /echo/* removed', 'route /answer changed']) {
    assert.ok(String(changes).includes(part), `${String(changes)} tells: ${part}`);
  }
  const { needsRestart } = await gateway.log(({ needsRestart }) => Array.isArray(needsRestart), 'what needs a restart');
  assert.deepEqual(needsRestart, ['proxy.workers']);
});

test('a key that waits for a restart is named at each reload, until it is as it was at the start', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [echo, answer(201)] } });
  const named = (): number => gateway.logs.filter(({ needsRestart }) => Array.isArray(needsRestart)).length;
  await gateway.reload({ proxy: { workers: 7 }, upstreams, routes: [echo, answer(202)] });
  await gateway.reload({ proxy: { workers: 7 }, upstreams, routes: [echo, answer(203)] });
  await gateway.reload({ upstreams, routes: [echo, answer(204)] });
  await gateway.log(({ changes }) => String(changes).includes('workers') && named() >= 2, 'the way back');
  assert.equal(named(), 2);
});

test('a config with errors is rejected with its lines, and the old one stays', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [answer(201)] }, workers: 2 });
  const broken = `upstreams: []\nroutes:\n  - path: /answer\n    upstream: nobody\n`;
  assert.equal(await gateway.reload(broken), 'rejected');
  assert.deepEqual(await statusesOf(gateway), [201]);
  const line = await gateway.log(({ msg }) => String(msg).includes('"nobody"'), 'the error');
  assert.match(String(line['msg']), /proxy\.yml:4:15 routes\[0\]\.upstream/);
  assert.equal(await metric(gateway.adminUrl, 'config_version'), 1);
  assert.equal(await metric(gateway.adminUrl, 'config_reloads_total', { result: 'rejected' }), 1);

  assert.equal(await gateway.reload({ upstreams, routes: [answer(202)] }), 'accepted');
  assert.deepEqual(await statusesOf(gateway), [202]);
});

test('a worker that is killed during a reload is born with the outcome', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [answer(201)] }, workers: 2 });
  const [victim = 0] = gateway.workers();
  // Stopped, it can't answer the question whether it takes up the config, and dies while it is asked.
  process.kill(victim, 'SIGSTOP');
  const reloaded = gateway.reload({ upstreams, routes: [answer(202)] });
  await gateway.log(({ msg }) => String(msg).endsWith('the workers prepare it'), 'the question to the workers');
  process.kill(victim, 'SIGKILL');
  assert.equal(await reloaded, 'accepted');
  await eventually(() => (gateway.workers().length === 2 ? true : null), 'the new worker');
  assert.deepEqual(await statusesOf(gateway), [202]);
});

test('the only worker is killed during a reload, and the next one has the new config', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [answer(201)] }, workers: 1 });
  const [victim = 0] = gateway.workers();
  process.kill(victim, 'SIGSTOP');
  const reloaded = gateway.reload({ upstreams, routes: [answer(202)] });
  await gateway.log(({ msg }) => String(msg).endsWith('the workers prepare it'), 'the question to the workers');
  process.kill(victim, 'SIGKILL');
  assert.equal(await reloaded, 'accepted');
  assert.deepEqual(await statusesOf(gateway), [202]);
});

test('of many SIGHUPs in a row the last one wins', async () => {
  const gateway = await startGateway({ config: { upstreams, routes: [answer(201)] } });
  for (let status = 202; status < 212; status++) {
    gateway.writeConfig({ upstreams, routes: [answer(status)] });
    gateway.signal('SIGHUP');
  }
  await eventually(async () => ((await statusesOf(gateway)).join() === '211' ? true : null), 'the last config');
});

test('requests in flight end under the config that they started with', async () => {
  const upstream = await recordingUpstream();
  const upstreams = [{ name: 'slow', url: upstream.url }];
  const gateway = await startGateway({ config: { upstreams, routes: [{ path: '/slow', upstream: 'slow' }] } });
  upstream.on('/slow', () => {});
  const asked = fetch(`${gateway.url}/slow`);
  const request = await upstream.arrival('/slow');
  assert.equal(await gateway.reload({ upstreams: [{ name: 'echo', builtin: 'echo' }], routes: [echo] }), 'accepted');
  assert.equal((await fetch(`${gateway.url}/slow`)).status, 404);
  request.send(response(200, [], 'as it was'));
  assert.equal(await (await asked).text(), 'as it was');
});

/** The different statuses that many connections, over all workers, get from /answer. */
async function statusesOf(gateway: Gateway): Promise<number[]> {
  const answers = Array.from({ length: 24 }, async () => {
    const response = await fetch(`${gateway.url}/answer`, { headers: { connection: 'close' } });
    await response.arrayBuffer();
    return response.status;
  });
  return [...new Set(await Promise.all(answers))];
}
