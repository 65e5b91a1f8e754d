/** The token bucket on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { carryOver, settledAt, tokensLeft, usedNow, waitForAll, waitForToken } from '../../../src/limit/bucket.ts';

const rate = { max: 3, windowMs: 300 };
const rates = fc.record({
  max: fc.integer({ min: 1, max: 1_000_000 }),
  windowMs: fc.integer({ min: 1, max: 2 ** 31 }),
});

test('a bucket of three admits three at once, and the fourth waits for a third of the window', () => {
  let used = 0;
  for (let i = 0; i < 3; i++) {
    assert.equal(waitForToken(used, rate), 0);
    used += rate.windowMs;
    assert.equal(tokensLeft(used, rate), 2 - i);
  }
  assert.equal(waitForToken(used, rate), 100);
  assert.equal(waitForAll(used, rate), 300);
});

test('tokens come back one by one, and never more than max', () => {
  const used = 3 * rate.windowMs;
  assert.equal(waitForToken(usedNow(used, 1000, rate, 1099), rate), 1);
  assert.equal(waitForToken(usedNow(used, 1000, rate, 1100), rate), 0);
  assert.equal(tokensLeft(usedNow(used, 1000, rate, 1250), rate), 2);
  assert.equal(tokensLeft(usedNow(used, 1000, rate, 999_999), rate), 3);
});

test('a limit of one admits one a window', () => {
  const one = { max: 1, windowMs: 60_000 };
  assert.equal(waitForToken(0, one), 0);
  assert.equal(waitForToken(one.windowMs, one), 60_000);
  assert.equal(waitForToken(usedNow(one.windowMs, 5, one, 60_004), one), 1);
  assert.equal(waitForToken(usedNow(one.windowMs, 5, one, 60_005), one), 0);
});

test('a refill of seven a second is exact: no token comes early, none is lost', () => {
  const seven = { max: 7, windowMs: 1000 };
  const empty = 7 * seven.windowMs;
  for (let token = 1; token <= 7; token++) {
    const due = Math.ceil((token * 1000) / 7);
    assert.equal(tokensLeft(usedNow(empty, 0, seven, due - 1), seven), token - 1);
    assert.equal(tokensLeft(usedNow(empty, 0, seven, due), seven), token);
  }
});

test('a clock that is set back gives nothing back until it has caught up', () => {
  const used = 3 * rate.windowMs;
  assert.equal(usedNow(used, 1000, rate, 900), used);
  assert.equal(settledAt(1000, rate, 900), 1000);
});

test('nobody waits for a clock that was set back by more than a window', () => {
  assert.equal(settledAt(1_000_000, rate, 500), 500);
});

test('a rule that changes keeps the number of tokens in use', () => {
  const used = 2 * rate.windowMs;
  assert.equal(tokensLeft(carryOver(used, rate.windowMs, { max: 10, windowMs: 300 }), { max: 10, windowMs: 300 }), 8);
  assert.equal(tokensLeft(carryOver(used, rate.windowMs, { max: 3, windowMs: 7 }), { max: 3, windowMs: 7 }), 1);
  assert.equal(waitForToken(carryOver(used, rate.windowMs, { max: 1, windowMs: 50 }), { max: 1, windowMs: 50 }), 50);
});

test('the largest windows stay exact: a million tokens over a month', () => {
  const month = { max: 1_000_000, windowMs: 32 * 24 * 3_600_000 };
  const used = month.max * month.windowMs;
  assert.ok(Number.isSafeInteger(used));
  const aTokenMs = Math.ceil(month.windowMs / month.max);
  assert.equal(waitForToken(used, month), aTokenMs);
  assert.equal(waitForToken(usedNow(used, 0, month, aTokenMs), month), 0);
});

test('whoever waits as told gets a token, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 1, noNaN: true }), (any, share) => {
      const used = Math.floor(share * any.max * any.windowMs);
      const wait = waitForToken(used, any);
      assert.equal(waitForToken(usedNow(used, 1000, any, 1000 + wait), any), 0);
      if (wait > 0) assert.ok(waitForToken(usedNow(used, 1000, any, 1000 + wait - 1), any) > 0);
    }),
  );
});
