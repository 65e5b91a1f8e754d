/** A worker that can't even be forked is a failure among others: the supervisor tries again. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AwakeClock } from '../../../supervisor/awake-clock.ts';
import { Nursery } from '../../../supervisor/nursery.ts';

test('where no process can be started, the birth fails with the reason', async () => {
  // The kernel refuses an environment like this, and Node throws that, as it does when there is no memory for a process.
  process.env['TOO_LONG'] = 'x'.repeat(200_000);
  after(() => delete process.env['TOO_LONG']);
  const nursery = new Nursery({
    count: 1,
    program: new URL('file:///nowhere.ts'),
    clock: new AwakeClock(),
    committed: () => ({ version: 1, parcel: [] }),
    onMessage: () => {},
    onForked: () => assert.fail('there is no worker'),
  });
  const birth = await nursery.raise(1);
  assert.deepEqual(birth, { worker: null, failure: { kind: 'broken', why: 'spawn E2BIG' } });
});
