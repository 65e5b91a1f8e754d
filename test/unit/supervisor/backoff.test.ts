import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../../supervisor/backoff.ts';

test('young deaths in a row wait longer and longer, up to 5 s', () => {
  const backoff = new Backoff();
  const delays = Array.from({ length: 9 }, () => backoff.delayAfterDeath(50));
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test('a worker that had lived for 10 s is replaced at once, and forgives those before it', () => {
  const backoff = new Backoff();
  for (let i = 0; i < 5; i++) backoff.delayAfterDeath(50);
  assert.equal(backoff.delayAfterDeath(10_000), 0);
  assert.equal(backoff.delayAfterDeath(50), 0);
  assert.equal(backoff.delayAfterDeath(50), 100);
});
