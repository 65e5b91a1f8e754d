/** What waits for the collector: in order, in batches, within bounds, and every item settled once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Outbox, type SendResult } from '../../../src/telemetry/outbox.ts';
import { eventually } from '../../support/deadline.ts';

const sent: SendResult = { outcome: 'sent' };
const failed: SendResult = { outcome: 'failed', reason: 'ECONNREFUSED' };
const refused: SendResult = { outcome: 'refused', reason: 'status 400' };

/** A collector whose answers the test gives, one after the other; without any it answers nothing. */
function setUp(intervalMs = 5, sizeOf: (item: number) => number = () => 1) {
  const batches: number[][] = [];
  const answers: ((result: SendResult) => void)[] = [];
  const settled = { sent: 0, dropped: 0 };
  const changes: (string | null)[] = [];
  const outbox = new Outbox<number>({
    send: (batch) => {
      batches.push(batch);
      return new Promise((resolve) => answers.push(resolve));
    },
    sizeOf,
    intervalMs,
    onSettled: (outcome, items) => {
      settled[outcome] += items;
    },
    onChange: (reason) => changes.push(reason),
  });
  const answer = async (result: SendResult): Promise<void> => {
    (await eventually(() => answers.shift() ?? null, 'a batch'))(result);
  };
  const pushAll = (count: number): void => {
    for (let i = 0; i < count; i++) outbox.push(i);
  };
  return { outbox, batches, settled, changes, answer, pushAll };
}

test('items wait for company and leave in their order, in batches of at most 128, one at a time', async () => {
  const { batches, settled, answer, pushAll } = setUp();
  pushAll(300);
  await eventually(() => (batches.length > 0 ? true : null), 'the first batch');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.equal(batches.length, 1);
  await answer(sent);
  await answer(sent);
  await answer(sent);
  await eventually(() => (settled.sent === 300 ? true : null), 'the last batch');
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [128, 128, 44],
  );
  assert.deepEqual(
    batches.flat(),
    Array.from({ length: 300 }, (_, i) => i),
  );
});

test('a full batch does not wait', async () => {
  const { outbox, answer, batches, pushAll } = setUp(60_000);
  pushAll(127);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.equal(batches.length, 0);
  outbox.push(127);
  await answer(sent);
  assert.equal(batches[0]?.length, 128);
});

test('while nothing is answered the queue grows to its bound and no further', async () => {
  const { settled, batches, pushAll } = setUp();
  pushAll(128);
  await eventually(() => (batches.length === 1 ? true : null), 'the first batch');
  pushAll(10_000);
  assert.equal(settled.dropped, 10_000 - 4096);
});

test('of long items fewer wait: so many that they are 8 MB, also when they come back', async () => {
  const { outbox, settled, batches, answer } = setUp(60_000, (item) => item);
  const mb = 2 ** 20;
  for (let i = 0; i < 10; i++) outbox.push(mb);
  assert.equal(settled.dropped, 2);
  const flushed = outbox.flush(10_000);
  await answer(failed);
  await flushed;
  assert.deepEqual([batches[0]?.length, settled.dropped], [8, 10]);
  for (let i = 0; i < 10; i++) outbox.push(mb);
  assert.equal(settled.dropped, 12);
});

test('what could not be sent is sent again, before what came later, and the collector is told off once', async () => {
  const { outbox, batches, settled, changes, answer } = setUp();
  outbox.push(1);
  await answer(failed);
  outbox.push(2);
  await answer(failed);
  await answer(sent);
  await eventually(() => (settled.sent === 2 ? true : null), 'both');
  assert.deepEqual(batches, [[1], [1, 2], [1, 2]]);
  assert.deepEqual(changes, ['ECONNREFUSED', null]);
  assert.equal(settled.dropped, 0);
});

test('what the collector does not want is dropped, and what comes behind it is sent', async () => {
  const { outbox, settled, changes, answer } = setUp();
  outbox.push(1);
  await answer(refused);
  await eventually(() => (settled.dropped === 1 ? true : null), 'the refused one');
  outbox.push(2);
  await answer(sent);
  await eventually(() => (settled.sent === 1 ? true : null), 'the next one');
  assert.deepEqual(changes, ['status 400', null]);
});

test('flush sends what there is at once, and gives up what does not go', async () => {
  const { outbox, settled, answer, pushAll } = setUp(60_000);
  pushAll(3);
  const flushed = outbox.flush(10_000);
  await answer(sent);
  await flushed;
  assert.deepEqual(settled, { sent: 3, dropped: 0 });

  pushAll(300);
  const failing = outbox.flush(10_000);
  await answer(failed);
  await failing;
  assert.deepEqual(settled, { sent: 3, dropped: 300 });
});

test('flush waits for a collector that hangs no longer than it may', async () => {
  const { outbox, batches, pushAll } = setUp(60_000);
  pushAll(300);
  await outbox.flush(20);
  assert.equal(batches.length, 1);
});

test('a retired one sends what it has once, and complains no more', async () => {
  const { outbox, settled, changes, answer, pushAll } = setUp(60_000);
  pushAll(3);
  outbox.retire();
  await answer(failed);
  await eventually(() => (settled.dropped === 3 ? true : null), 'the end');
  assert.deepEqual(changes, []);
});

test('whatever the collector does, each item is settled exactly once', async () => {
  const results = fc.array(fc.constantFrom(sent, refused), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.nat(6_000), results, async (count, answers) => {
      const settled = { sent: 0, dropped: 0 };
      const outbox = new Outbox<number>({
        send: async () => answers.shift() ?? failed,
        sizeOf: () => 1,
        intervalMs: 60_000,
        onSettled: (outcome, items) => {
          settled[outcome] += items;
        },
        onChange: () => {},
      });
      for (let i = 0; i < count; i++) outbox.push(i);
      await outbox.flush(10_000);
      assert.equal(settled.sent + settled.dropped, count);
    }),
    { numRuns: 30 },
  );
});
