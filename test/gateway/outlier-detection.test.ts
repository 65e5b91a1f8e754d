/** A target where tries keep failing gets a rest, on all workers, and comes back; the last one never goes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

async function startServer() {
  const server = createServer((_, answer) => {
    state.requests++;
    answer.statusCode = state.status;
    answer.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const state = { url: `http://127.0.0.1:${port}`, label: `127.0.0.1:${port}`, status: 200, requests: 0 };
  return state;
}

const good = await startServer();
const bad = await startServer();
const lonely = await startServer();
const gateway = await startGateway({
  workers: 2,
  config: {
    upstreams: [
      {
        name: 'api',
        balance: 'round-robin',
        targets: [{ url: good.url }, { url: bad.url }],
        outlierDetection: { failures: 3, ejection: { base: 1500, max: 10_000 } },
      },
      { name: 'lonely', url: lonely.url, outlierDetection: { failures: 1 } },
    ],
    routes: [
      { path: '/api', upstream: 'api' },
      { path: '/lonely', upstream: 'lonely' },
    ],
  },
});

/** A new connection each, so that both workers get some. */
async function ask(path: string, count: number): Promise<number[]> {
  const answers = Array.from({ length: count }, async () => {
    const answer = await fetch(`${gateway.url}${path}`, { headers: { Connection: 'close' } });
    await answer.arrayBuffer();
    return answer.status;
  });
  return await Promise.all(answers);
}

const isHealthy = () => metric(gateway.adminUrl, 'upstream_target_healthy', { upstream: 'api', target: bad.label });

test('after some failures in a row it gets nothing more, on no worker, until its rest is over', async () => {
  bad.status = 500;
  await eventually(async () => {
    await ask('/api', 10);
    return (await isHealthy()) === 0 ? true : null;
  }, 'the ejection');
  const line = await gateway.log((found) => /ejected/.test(String(found['msg'])), 'the warning');
  assert.deepEqual([line['upstream'], line['target']], ['api', bad.label]);
  const ejectedAt = performance.now();
  const seen = bad.requests;
  const statuses = await ask('/api', 40);
  // Unless this machine was so slow that the rest was over.
  if (performance.now() - ejectedAt < 1_000) {
    assert.ok(
      statuses.every((status) => status === 200),
      statuses.join(),
    );
    assert.equal(bad.requests, seen);
  }
  bad.status = 200;
  await eventually(async () => ((await isHealthy()) === 1 ? true : null), 'the return');
  await eventually(async () => (await ask('/api', 10), bad.requests > seen ? true : null), 'requests again');
  assert.equal((await gateway.log((found) => found['was'] === 'ejected', 'the return'))['level'], 30);
});

test('the only target stays, however often it fails', async () => {
  lonely.status = 503;
  assert.deepEqual(
    await ask('/lonely', 20),
    Array.from({ length: 20 }, () => 503),
  );
  assert.equal(lonely.requests, 20);
});
