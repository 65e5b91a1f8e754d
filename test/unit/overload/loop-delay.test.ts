/** A loop that is late again and again is overloaded; one that was held up once is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DelaySlot, LoopDelay, watchEventLoop } from '../../../src/overload/loop-delay.ts';

const slot = (...lateMs: readonly number[]): DelaySlot => ({
  count: lateMs.length,
  sumMs: lateMs.reduce((sum, ms) => sum + ms, 0),
  longestMs: Math.max(0, ...lateMs),
});

test('nothing has been seen yet: no delay', () => {
  const delay = new LoopDelay();
  assert.deepEqual([delay.meanMs(), delay.sustainedMs()], [0, 0]);
});

test('a loop of which every turn is late has that delay, also when a turn takes longer than a look', () => {
  const delay = new LoopDelay();
  for (let i = 0; i < 10; i++) delay.add(slot(250));
  assert.deepEqual([delay.meanMs(), delay.sustainedMs()], [250, 250]);
});

test('one pause shows in the mean, and is no overload', () => {
  const delay = new LoopDelay();
  for (let i = 0; i < 9; i++) delay.add(slot(0, 0, 0, 0, 0));
  delay.add(slot(12_000));
  assert.equal(delay.sustainedMs(), 0);
  assert.ok(delay.meanMs() > 200, String(delay.meanMs()));
});

test('what is older than ten looks is forgotten', () => {
  const delay = new LoopDelay();
  for (let i = 0; i < 10; i++) delay.add(slot(500, 500));
  for (let i = 0; i < 10; i++) delay.add(slot(1));
  assert.equal(delay.meanMs(), 1);
});

test('the sustained delay is never above the mean, nor below zero', () => {
  const late = fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(late, { maxLength: 20 }), (looks) => {
      const delay = new LoopDelay();
      for (const look of looks) delay.add(slot(...look));
      assert.ok(delay.sustainedMs() >= 0);
      assert.ok(delay.sustainedMs() <= delay.meanMs() + 0.01);
    }),
  );
});

test('a real loop that is kept busy is seen to be late', async () => {
  const look = watchEventLoop();
  const delay = new LoopDelay();
  // The clock of the measurement starts with its first tick.
  for (let turn = 0; turn < 8; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const until = performance.now() + 120;
    while (performance.now() < until);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.add(look());
  assert.ok(delay.sustainedMs() > 50, String(delay.sustainedMs()));
});
