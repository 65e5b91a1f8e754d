/** GET /workers: the processes of the gateway, and how they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';

const config = { routes: [{ path: '/answer', respond: { status: 204 } }] };
const gateway = await startGateway({ config, workers: 2 });

test('every worker is told with its place, process, config and inside', async () => {
  const { status, body } = await askAdmin(gateway, 'GET /workers');
  assert.equal(status, 200);
  assert.equal(body.supervisor, gateway.pid);
  assert.deepEqual(
    body.workers.map(({ worker, state, configVersion, restarts, lastDeath }: Worker) => [
      worker,
      state,
      configVersion,
      restarts,
      lastDeath,
    ]),
    [
      [1, 'serving', 1, 0, null],
      [2, 'serving', 1, 0, null],
    ],
  );
  assert.deepEqual(new Set(body.workers.map(({ pid }: Worker) => pid)), new Set(gateway.workers()));
  for (const { uptimeSeconds, inside } of body.workers) {
    assert.ok(uptimeSeconds >= 0);
    assert.equal(inside.inFlight, 0);
    assert.ok(inside.memory.rssBytes > 10_000_000);
    assert.ok(inside.resources.PipeWrap >= 1, JSON.stringify(inside.resources));
  }
});

test('one that does not answer is told without its inside, and one that died with the reason', async () => {
  const { body } = await askAdmin(gateway, 'GET /workers');
  const [{ pid, worker }] = body.workers;
  process.kill(pid, 'SIGSTOP');
  const silent = (await askAdmin(gateway, 'GET /workers')).body.workers.find((each: Worker) => each.pid === pid);
  assert.equal(silent.inside, null);
  process.kill(pid, 'SIGKILL');
  const successor = await eventually(async () => {
    const { workers } = (await askAdmin(gateway, 'GET /workers')).body;
    return workers.find((each: Worker) => each.worker === worker && each.pid !== pid && each.inside !== null) ?? null;
  }, 'the successor');
  assert.equal(successor.restarts, 1);
  const { reason, how } = successor.lastDeath;
  assert.deepEqual([reason, how], ['signal', 'SIGKILL']);
});

interface Worker {
  readonly worker: number;
  readonly pid: number;
  readonly state: string;
  readonly configVersion: number;
  readonly restarts: number;
  readonly lastDeath: object | null;
  readonly inside: object | null;
}
