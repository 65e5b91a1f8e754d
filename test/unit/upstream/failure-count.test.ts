/** Failures in a row at one target, as one worker counts them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TryOutcome } from '../../../src/contracts/upstream.ts';
import { FailureCount } from '../../../src/upstream/failure-count.ts';

function complaintsAfter(...outcomes: TryOutcome[]): number {
  let complaints = 0;
  const count = new FailureCount(3, () => complaints++);
  for (const outcome of outcomes) count.note(outcome);
  return complaints;
}

test('as many failures in a row as are allowed, of whatever kind', () => {
  assert.equal(complaintsAfter('unreachable', 'timeout'), 0);
  assert.equal(complaintsAfter('unreachable', 'timeout', 'server_error'), 1);
  assert.equal(complaintsAfter('reset', 'protocol_error', 'blocked', 'reset', 'reset'), 1);
  assert.equal(complaintsAfter('reset', 'reset', 'reset', 'reset', 'reset', 'reset'), 2);
});

test('a success begins anew, and a client that leaves says nothing', () => {
  assert.equal(complaintsAfter('reset', 'reset', 'success', 'reset', 'reset'), 0);
  assert.equal(complaintsAfter('reset', 'reset', 'canceled', 'reset'), 1);
});
