/** Workers that say that their memory is full: replaced, but not again and again, and not all at once. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { AwakeClock } from '../../../supervisor/awake-clock.ts';
import { WorkerPool } from '../../../supervisor/worker-pool.ts';
import type { WorkerProcess } from '../../../supervisor/worker-process.ts';

/** A worker that does what it is told, and nothing. */
const program = `
process.on('message', ({ type, id, version }) => {
  if (type === 'ping') process.send({ type: 'pong', id });
  if (type === 'config:prepare') process.send({ type: 'config:prepared', version });
  if (type === 'listen') process.send({ type: 'listening' });
  if (type === 'drain') process.send({ type: 'drained', cut: 0 }, () => process.exit());
});
process.send({ type: 'started' });
`;

class MovedClock extends AwakeClock {
  ahead = 0;

  override now(): number {
    return super.now() + this.ahead;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-full-'));
const file = join(folder, 'worker.mjs');
writeFileSync(file, program);
const clock = new MovedClock();
clock.start();
const reasons: string[] = [];
const silent = (): void => {};
const pool = new WorkerPool({
  count: 2,
  program: pathToFileURL(file),
  handle: undefined,
  clock,
  log: { debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
  committed: () => ({ version: 1, parcel: [] }),
  news: () => [],
  drainMs: () => 10_000,
  onMessage: silent,
  onEnded: silent,
  onRestart: (reason) => reasons.push(reason),
  onListening: silent,
});
after(() => {
  pool.killAll();
  rmSync(folder, { recursive: true });
});
await pool.start();

test('one of two that are full at the same time is replaced, the other one has to say it again', async () => {
  const [first, second] = workers();
  await Promise.all([pool.replaceFull(first, 0.95), pool.replaceFull(second, 0.95)]);
  const now = workers();
  assert.notEqual(now[0].pid, first.pid);
  assert.equal(now[1].pid, second.pid);
  await pool.replaceFull(second, 0.95);
  assert.notEqual(workers()[1].pid, second.pid);
  assert.deepEqual(reasons, ['memory', 'memory']);
});

test('its successor is not, however full it is, for five minutes', async () => {
  const [first] = workers();
  clock.ahead = 250_000;
  await pool.replaceFull(first, 1);
  assert.equal(workers()[0].pid, first.pid);
  clock.ahead = 400_000;
  await pool.replaceFull(first, 1);
  assert.notEqual(workers()[0].pid, first.pid);
  assert.equal(reasons.length, 3);
});

/** Those that serve, by their places. */
function workers(): [WorkerProcess, WorkerProcess] {
  const [first, second, ...others] = pool.serving().toSorted((a, b) => a.slot - b.slot);
  assert.ok(first !== undefined && second !== undefined && others.length === 0);
  return [first, second];
}
