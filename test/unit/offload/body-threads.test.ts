/** Threads that check bodies: they learn a schema once, and one that is lost takes nothing along but its own body. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BodyCheckJob, BodyCheckOutcome } from '../../../src/contracts/body-check.ts';
import type { Log } from '../../../src/contracts/log.ts';
import { BodyThreads, type BodyThreadsLimits } from '../../../src/offload/body-threads.ts';

const strings = '{"items":{"type":"string"}}';
/** Texts of many "a" and a "b" take it longer than anybody lives. */
const endless = '{"items":{"pattern":"^(a+)+$"}}';
const hostile = `["${'a'.repeat(40)}b"]`;

test('a body that fits, one that does not, and the other ways to end', async () => {
  const { threads, outcomes } = start();
  assert.equal(await threads.check(job(strings, '["a"]')), 'fits');
  assert.deepEqual(await threads.check(job(strings, '["a", 1]')), {
    violations: [{ path: '/1', message: 'must be a string' }],
    hasMore: false,
  });
  assert.equal(await threads.check({ ...job(strings, ''), body: gzipSync('["a"]'), coding: 'gzip' }), 'fits');
  assert.equal(await threads.check({ ...job(strings, '["a"]'), coding: 'gzip' }), 'malformed');
  const bomb = gzipSync(`["${'a'.repeat(5_000_000)}"]`);
  assert.equal(
    await threads.check({ ...job(strings, ''), body: bomb, coding: 'gzip', maxBytes: 1_000_000 }),
    'too large',
  );
  assert.deepEqual(outcomes, ['checked', 'checked', 'checked', 'checked', 'checked']);
});

test('many schemas in turn, more than a thread remembers', async () => {
  const { threads } = start();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 250; i++) {
      assert.equal(await threads.check(job(`{"items":{"const":${i}}}`, `[${i}]`)), 'fits');
    }
  }
});

test('a body that takes too long ends with its thread; the one behind it is checked by the next', async () => {
  const { threads, outcomes, warnings } = start({ threads: 1, waiting: 8, heapMb: 200 });
  const slow = threads.check({ ...job(endless, hostile), timeoutMs: 500 });
  const behind = threads.check(job(strings, '["a"]'));
  assert.equal(await slow, 'failed');
  assert.equal(await behind, 'fits');
  assert.deepEqual(outcomes, ['late', 'checked']);
  assert.equal(warnings.length, 1);
});

test('a body that waits longer than its exchange may take is given up', async () => {
  const { threads, outcomes } = start({ threads: 1, waiting: 8, heapMb: 200 });
  const slow = threads.check({ ...job(endless, hostile), timeoutMs: 2_000 });
  const behind = threads.check({ ...job(strings, '["a"]'), timeoutMs: 300 });
  assert.equal(await behind, 'failed');
  assert.deepEqual(outcomes, ['late']);
  assert.equal(await slow, 'failed');
});

test('with too many waiting the next is turned away at once', async () => {
  const { threads, outcomes } = start({ threads: 1, waiting: 1, heapMb: 200 });
  const slow = [1, 2].map(() => threads.check({ ...job(endless, hostile), timeoutMs: 700 }));
  assert.equal(await threads.check(job(strings, '["a"]')), 'shed');
  assert.deepEqual(outcomes, ['shed']);
  await Promise.all(slow);
  assert.equal(await threads.check(job(strings, '["a"]')), 'fits');
});

test('bodies of clients that have left give up their places, and are not looked at', async () => {
  const { threads, outcomes } = start({ threads: 1, waiting: 2, heapMb: 200 });
  const slow = threads.check({ ...job(endless, hostile), timeoutMs: 700 });
  const left = [1, 2].map(() => threads.check({ ...job(endless, hostile), timeoutMs: 60_000, isWanted: () => false }));
  const stays = threads.check(job(strings, '["a"]'));
  assert.deepEqual(await Promise.all(left), ['failed', 'failed']);
  assert.deepEqual(outcomes, ['left', 'left']);
  const leaves = threads.check({ ...job(endless, hostile), timeoutMs: 60_000, isWanted: () => false });
  assert.equal(await slow, 'failed');
  assert.equal(await stays, 'fits');
  assert.equal(await leaves, 'failed');
  assert.deepEqual(outcomes.slice(2).sort(), ['checked', 'late', 'left']);
});

test('a body that needs more memory than a thread has ends with its thread', async () => {
  const { threads, outcomes, warnings } = start({ threads: 1, waiting: 8, heapMb: 16 });
  const large = job(strings, `[${'{"a":[1]},'.repeat(300_000)}1]`);
  assert.equal(await threads.check(large), 'failed');
  assert.deepEqual(outcomes, ['died']);
  assert.equal(warnings.length, 1);
  assert.equal(await threads.check(job(strings, '["a"]')), 'fits');
});

test('threads stand back behind the event loop', async () => {
  if (process.platform !== 'linux') return;
  const { threads } = start();
  assert.equal(await threads.check(job(strings, '["a"]')), 'fits');
  const nice = readdirSync('/proc/self/task').map((id) =>
    Number(
      readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[16],
    ),
  );
  assert.ok(nice.includes(5), nice.join());
  assert.equal(getPriority(), nice[0]);
});

function start(limits?: BodyThreadsLimits): { threads: BodyThreads; outcomes: BodyCheckOutcome[]; warnings: string[] } {
  const outcomes: BodyCheckOutcome[] = [];
  const warnings: string[] = [];
  const log = { warn: (_: object, message: string) => warnings.push(message) } as unknown as Log;
  const threads = new BodyThreads({
    log,
    count: (outcome) => outcomes.push(outcome),
    ...(limits === undefined ? {} : { limits }),
  });
  return { threads, outcomes, warnings };
}

function job(schema: string, body: string): BodyCheckJob {
  return {
    schema,
    schemaId: schema,
    body: Buffer.from(body),
    coding: 'identity',
    maxBytes: 100_000_000,
    startedAt: performance.now(),
    timeoutMs: 60_000,
    isWanted: () => true,
  };
}
