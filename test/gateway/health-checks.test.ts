/** Targets that fail their health checks get no requests until they are well again, on every worker and through every change. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

interface Server {
  readonly url: string;
  readonly label: string;
  /** What its health check answers. */
  health: number;
  requests: number;
  checks: { readonly host: string; readonly url: string; readonly agent: string }[];
}

async function startServer(): Promise<Server> {
  const server = createServer((request, answer) => {
    if (request.headers['user-agent'] !== 'sluice-health-check') state.requests++;
    else state.checks.push({ host: request.headers.host ?? '', url: request.url ?? '', agent: 'sluice-health-check' });
    answer.statusCode = request.url === '/healthz' ? state.health : 200;
    answer.end('ok');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const state: Server = {
    url: `http://127.0.0.1:${port}`,
    label: `127.0.0.1:${port}`,
    health: 200,
    requests: 0,
    checks: [],
  };
  return state;
}

const often = { interval: 100, timeout: 1_000, healthy: 2, unhealthy: 2 };
const one = await startServer();
const two = await startServer();
const config = (more: object = {}) => ({
  upstreams: [
    { name: 'api', targets: [{ url: one.url }, { url: two.url }], balance: 'round-robin', healthCheck: often, ...more },
  ],
  routes: [{ path: '/*', upstream: 'api' }],
});
const gateway = await startGateway({ config: config(), workers: 2 });

test('each target is asked once for the node, at its interval, with the Host of its url', async () => {
  const before = one.checks.length;
  const startedAt = performance.now();
  await eventually(() => (one.checks.length >= before + 10 ? true : null), 'ten checks');
  // 900 ms in the mean; two workers that asked each by themselves would need half of that.
  assert.ok(performance.now() - startedAt > 700);
  assert.deepEqual(one.checks[0], { host: one.label, url: '/healthz', agent: 'sluice-health-check' });
});

test('a target that answers 500 gets no requests, on no worker, until it is well again', async () => {
  assert.equal(await healthy(gateway, one), 1);
  one.health = 500;
  await eventually(async () => ((await healthy(gateway, one)) === 0 ? true : null), 'an unhealthy target');
  const line = await gateway.log((found) => found['target'] === one.label && found['level'] === 40, 'the warning');
  assert.deepEqual([line['upstream'], line['reason']], ['api', 'status 500']);
  await onlyTo(two);
  one.health = 302;
  await eventually(async () => ((await healthy(gateway, one)) === 1 ? true : null), 'a healthy target');
  await gateway.log((found) => found['target'] === one.label && found['was'] === 'unhealthy', 'the good news');
  const [, seen] = await requestMany(30);
  assert.ok(seen.one > 0 && seen.two > 0);
});

test('a worker that is born later, and a reload, know what is unhealthy', async () => {
  one.health = 503;
  await eventually(async () => ((await healthy(gateway, one)) === 0 ? true : null), 'an unhealthy target');
  const old = gateway.workers();
  gateway.signal('SIGUSR2');
  await eventually(() => (gateway.workers().some((pid) => old.includes(pid)) ? null : true), 'new workers', 30_000);
  await onlyTo(two);
  // Other settings, so that it is another upstream for the workers, with checks so rare that none comes meanwhile.
  assert.equal(await gateway.reload(config({ timeout: 5_000, healthCheck: { ...often, interval: '1h' } })), 'accepted');
  await onlyTo(two);
  assert.equal(await gateway.reload(config({ healthCheck: undefined })), 'accepted');
  await eventually(async () => ((await requestMany(10))[1].one > 0 ? true : null), 'requests without health checks');
  one.health = 200;
  assert.equal(await gateway.reload(config()), 'accepted');
});

test('with no target left: 503 no_healthy_target, not ready, and back by itself', async () => {
  one.health = 500;
  two.health = 500;
  await eventually(async () => ((await fetch(gateway.url)).status === 503 ? true : null), 'the refusal');
  const refused = await fetch(gateway.url);
  assert.equal(refused.headers.get('Retry-After'), '1');
  const { code } = (await refused.json()) as { code: string };
  assert.equal(code, 'no_healthy_target');
  for (const url of [gateway.url, gateway.adminUrl]) {
    const ready = await eventually(async () => {
      const answer = await fetch(`${url}/health/ready`);
      return answer.status === 503 ? answer : null;
    }, 'not ready');
    assert.deepEqual(await ready.json(), { status: 'DOWN', checks: { config: 'UP', upstreams: 'DOWN' } });
  }
  const deep = await fetch(`${gateway.adminUrl}/health/deep`);
  const { upstreams } = (await deep.json()) as { upstreams: { api: { targets: { reason: string }[] } } };
  assert.deepEqual([deep.status, upstreams.api.targets.map(({ reason }) => reason)], [503, ['unhealthy', 'unhealthy']]);
  const names = (await (await fetch(`${gateway.url}/health/deep`)).json()) as { upstreams: object };
  assert.deepEqual(names.upstreams, { api: 'DOWN' });
  await gateway.log((found) => /no target is usable/.test(String(found['msg'])), 'the error');
  one.health = 200;
  two.health = 200;
  await eventually(async () => ((await fetch(gateway.url)).ok ? true : null), 'an answer');
  await eventually(async () => ((await fetch(`${gateway.url}/health/ready`)).ok ? true : null), 'ready');
});

test('targets that a reload takes away lose their metric and their checks', async () => {
  const left = { targets: [{ url: two.url }] };
  assert.equal(await gateway.reload(config(left)), 'accepted');
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  assert.ok(!text.includes(`target="${one.label}"`));
  assert.ok(text.includes(`target="${two.label}"`));
  const asked = one.checks.length;
  const others = two.checks.length;
  await eventually(() => (two.checks.length > others + 5 ? true : null), 'further checks');
  assert.ok(one.checks.length <= asked + 1);
});

test('a target that was unhealthy when a reload took it away begins anew when another one names it again', async () => {
  two.health = 500;
  await eventually(async () => ((await fetch(gateway.url)).status === 503 ? true : null), 'the refusal');
  assert.equal(await gateway.reload(config({ targets: [{ url: one.url }] })), 'accepted');
  two.health = 200;
  assert.equal(await gateway.reload(config({ targets: [{ url: two.url }] })), 'accepted');
  await eventually(async () => ((await fetch(gateway.url)).ok ? true : null), 'an answer');
});

function healthy(of: Gateway, { label }: Server): Promise<number> {
  return metric(of.adminUrl, 'upstream_target_healthy', { upstream: 'api', target: label });
}

/** A new connection each, so that all workers get some. */
async function requestMany(count: number): Promise<[number[], { one: number; two: number }]> {
  const before = { one: one.requests, two: two.requests };
  const answers = Array.from({ length: count }, async () => {
    const answer = await fetch(gateway.url, { headers: { Connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status;
  });
  const statuses = await Promise.all(answers);
  return [statuses, { one: one.requests - before.one, two: two.requests - before.two }];
}

async function onlyTo(server: Server): Promise<void> {
  // The workers hear of it a moment after the metric shows it.
  await eventually(async () => {
    const [statuses, seen] = await requestMany(30);
    assert.ok(statuses.every((status) => status === 200));
    return seen.one === 0 && server === two && seen.two === 30 ? true : null;
  }, 'all requests at one target');
}
