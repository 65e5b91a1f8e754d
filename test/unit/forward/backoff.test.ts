/** Waiting before another try: at random up to a bound that doubles, and as long as the upstream asks for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs, readRetryAfterMs } from '../../../src/forward/backoff.ts';

const backoff = { baseMs: 50, maxMs: 1_000 };

test('the bound doubles with each retry, up to the largest', () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7].map((retry) => backoffMs(backoff, retry, 1));
  assert.deepEqual(bounds, [50, 100, 200, 400, 800, 1_000, 1_000]);
});

test('any time up to the bound may come out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.double({ min: 0, max: 1, noNaN: true }), (retry, random) => {
      const waitMs = backoffMs(backoff, retry, random);
      assert.ok(waitMs >= 0 && waitMs <= Math.min(1_000, 50 * 2 ** (retry - 1)));
    }),
  );
  assert.equal(backoffMs(backoff, 3, 0), 0);
});

const now = Date.parse('2026-11-22T10:00:00Z');
const values: readonly (readonly [value: string, ms: number])[] = [
  ['0', 0],
  ['7', 7_000],
  [' 7 ', 7_000],
  ['Sun, 22 Nov 2026 10:00:05 GMT', 5_000],
  ['Sunday, 22-Nov-26 10:00:05 GMT', 5_000],
  ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
  ['-1', 0],
  ['1.5', 0],
  ['soon', 0],
  ['', 0],
  ['99999999999', 0],
];

for (const [value, ms] of values) {
  test(`Retry-After: ${JSON.stringify(value)} is ${ms} ms`, () => {
    assert.equal(readRetryAfterMs([Buffer.from('Retry-After'), Buffer.from(value)], now), ms);
  });
}

test('without the field there is nothing to wait for', () => {
  assert.equal(readRetryAfterMs([Buffer.from('Content-Type'), Buffer.from('7')], now), 0);
});
