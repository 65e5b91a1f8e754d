/** A target where tries keep failing gets a rest, on all workers, and comes back; the last one never goes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type LogLine, startGateway } from '../support/gateway.ts';

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
const restMs = 4_000;
const gateway = await startGateway({
  workers: 2,
  config: {
    upstreams: [
      {
        name: 'api',
        balance: 'round-robin',
        targets: [{ url: good.url }, { url: bad.url }],
        outlierDetection: { failures: 3, ejection: { base: restMs } },
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

test('after some failures in a row it gets nothing more, on no worker, until its rest is over', async () => {
  bad.status = 500;
  const isEjected = (line: LogLine) => line['msg'] === 'target is ejected: tries keep failing there';
  await eventually(async () => {
    await ask('/api', 10);
    return gateway.logs.some(isEjected) ? true : null;
  }, 'the ejection');
  const { upstream, target, time } = await gateway.log(isEjected, 'the warning');
  assert.deepEqual([upstream, target], ['api', bad.label]);
  // As long as it took part, every other request failed. The workers hear of its rest a moment after the log.
  await eventually(async () => {
    const seen = bad.requests;
    const statuses = await ask('/api', 20);
    return bad.requests === seen && statuses.every((status) => status === 200) ? true : null;
  }, 'requests that all go to the other one');
  const seen = bad.requests;
  bad.status = 200;
  const back = await gateway.log((line) => line['was'] === 'ejected', 'the return');
  // Both lines may be late on a busy machine.
  assert.ok(Number(back['time']) - Number(time) > restMs / 2);
  await eventually(async () => (await ask('/api', 10), bad.requests > seen ? true : null), 'requests again');
});

test('the only target stays, however often it fails', async () => {
  lonely.status = 503;
  assert.deepEqual(
    await ask('/lonely', 20),
    Array.from({ length: 20 }, () => 503),
  );
  assert.equal(lonely.requests, 20);
});
