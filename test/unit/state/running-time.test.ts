/** Time in which a process ran, on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RunningTime } from '../../../src/state/running-time.ts';

const maxGapMs = 15;

test('while it is looked at in small steps, it is the time of the clock', () => {
  const time = new RunningTime(maxGapMs, 1_000);
  for (let now = 1_000; now <= 2_000; now += 5) time.step(now);
  assert.equal(time.at(2_000), 1_000);
  assert.equal(time.at(2_003), 1_003);
});

test('of a pause only the longest gap counts', () => {
  const time = new RunningTime(maxGapMs, 0);
  time.step(5);
  time.step(3_600_000);
  assert.equal(time.at(3_600_000), 5 + maxGapMs);
});

test('it never runs backwards, nor faster than the clock', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ gapMs: fc.nat({ max: 200 }), isStep: fc.boolean() })), (looks) => {
      const time = new RunningTime(maxGapMs, 0);
      let now = 0;
      let before = 0;
      for (const { gapMs, isStep } of looks) {
        now += gapMs;
        if (isStep) time.step(now);
        const ran = time.at(now);
        assert.ok(ran >= before && ran - before <= gapMs);
        before = ran;
      }
    }),
  );
});
