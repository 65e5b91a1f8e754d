/** A limit of the memory backend holds over all workers: of what floods a full bucket exactly what is in it passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from '../support/flood.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

test('of 2000 requests at once over two workers exactly 100 pass a limit of 100', async () => {
  const config = {
    // So many at once would else be a case for it. And no token comes back while the test runs.
    overload: { mode: 'shadow' },
    rateLimit: { global: { max: 100, windowMs: '1h' } },
    routes: [{ path: '/*', respond: { status: 204 } }],
  };
  const gateway = await startGateway({ config, workers: 2 });
  const statuses = await flood(`${gateway.url}/x`, 2000);
  const expected = new Map([
    [204, 100],
    [429, 1900],
  ]);
  assert.deepEqual(statuses, expected);
  assert.equal(await metric(gateway.adminUrl, 'rate_limit_alone_total'), 0);
});
