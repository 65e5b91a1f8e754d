/** Twenty times in a row all workers are replaced under every kind of load, and no request fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { startMixedLoad, startSlowUpstream } from '../support/mixed-load.ts';

test('all workers are replaced, twenty times', async () => {
  const config = forwardAll(await startSlowUpstream());
  const gateway = await startGateway({ config, workers: 2 });
  const load = startMixedLoad(gateway.url);
  const replaced = () => gateway.logs.filter(({ msg }) => msg === 'all workers have been replaced').length;
  for (let round = 1; round <= 20; round++) {
    const before = gateway.workers();
    gateway.signal('SIGUSR2');
    await eventually(() => (replaced() === round ? true : null), `the end of replacement ${round}`, 30_000);
    assert.deepEqual(
      gateway.workers().filter((pid) => before.includes(pid)),
      [],
    );
    await load.round();
  }
  assert.deepEqual(await load.stop(), []);
});
