/** Reloads in a long row: each takes up another config, and nothing is left behind of those before. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

const reloads = 500;
/** What is made once has been made. */
const warmUp = 100;
/** Of a heap without garbage. Should each reload leave 10 KB behind, some of its config, that would be 4 MB. */
const mostGrowth = 3 * 1024 * 1024;

/** Of anything: what happens to be open when it is looked. 400 reloads would leave more. */
const mostOpened = 20;

const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
after(() => server.close(() => {}).closeAllConnections());
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;

/** Everything changes that has timers, sockets or listeners: targets, their checks, a breaker, limits, routes. */
const config = (i: number) => ({
  rateLimit: { global: { max: 1_000_000 + i, windowMs: 60_000 } },
  upstreams: [
    {
      name: 'api',
      targets: [{ url: `http://127.0.0.1:${port}/${i}` }, { url: `http://127.0.0.1:${port}/${i}/b` }],
      timeout: 5000 + i,
      circuitBreaker: { enabled: true, openDuration: 1000 + i },
      healthCheck: { path: '/healthz', interval: 1000 + i },
      outlierDetection: {},
      retries: 1,
    },
  ],
  routes: Array.from({ length: 10 }, (_, n) => ({ path: `/${n}`, upstream: 'api', timeout: 1000 + i })),
});

test(`${reloads} reloads leave no memory, socket, timer or listener behind`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-heaps-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  // A snapshot begins with a full collection of garbage: the only one that can be asked for from outside.
  const env = { NODE_OPTIONS: `--heapsnapshot-signal=SIGPROF --diagnostic-dir=${folder}` };
  const gateway = await startGateway({ config: config(0), workers: 1, env });
  const [worker = 0] = gateway.workers();

  for (let i = 1; i <= warmUp; i++) await reloadTo(gateway, i);
  const open = await countOpen(gateway, worker);
  const heaps = await measureHeaps(gateway, worker, folder);
  for (let i = warmUp + 1; i <= reloads; i++) await reloadTo(gateway, i);

  // Connections to targets that are gone close when they come back, and threads that have nothing to do end.
  await eventually(
    async () => {
      const now = await countOpen(gateway, worker);
      return Object.entries(now).every(([what, count]) => count <= (open[what] ?? 0) + mostOpened) ? true : null;
    },
    `no more to be open than before: ${JSON.stringify(open)}`,
  );
  const now = await measureHeaps(gateway, worker, folder);
  for (const [who, bytes] of Object.entries(now)) {
    const growth = bytes - (heaps[who] ?? 0);
    assert.ok(growth < mostGrowth, `the heap of the ${who} grew by ${Math.round(growth / 1024)} KB`);
  }
  assert.deepEqual(gateway.workers(), [worker]);
  assert.doesNotMatch(gateway.stderr, /MaxListenersExceeded/);
});

async function reloadTo(gateway: Gateway, i: number): Promise<void> {
  gateway.writeConfig(config(i));
  const { status, body } = await askAdmin(gateway, 'POST /reload');
  assert.equal(status, 200, JSON.stringify(body));
  const response = await fetch(`${gateway.url}/0`);
  await response.arrayBuffer();
  assert.equal(response.status, 200);
}

/** Descriptors of both processes, and what the worker's event loop waits for. */
async function countOpen(gateway: Gateway, worker: number): Promise<Record<string, number>> {
  const { body } = await askAdmin(gateway, 'GET /workers');
  return {
    ...body.workers[0].inside?.resources,
    supervisorDescriptors: readdirSync(`/proc/${gateway.pid}/fd`).length,
    workerDescriptors: readdirSync(`/proc/${worker}/fd`).length,
  };
}

/** What is in use after garbage has been collected. */
async function measureHeaps(gateway: Gateway, worker: number, folder: string): Promise<Record<string, number>> {
  for (const pid of [gateway.pid, worker]) {
    const { length } = readdirSync(folder);
    process.kill(pid, 'SIGPROF');
    await eventually(() => (readdirSync(folder).length > length ? true : null), 'the snapshot to begin');
  }
  // While a process writes its snapshot, connections to it may end.
  const inside = await eventually(
    async () => (await askAdmin(gateway, 'GET /workers').catch(() => null))?.body.workers[0].inside ?? null,
    'the worker to be there again',
  );
  const used = await eventually(
    () => metric(gateway.adminUrl, 'nodejs_heap_size_used_bytes').catch(() => null),
    'the supervisor to be there again',
  );
  return { supervisor: used, worker: inside.memory.heapBytes };
}
