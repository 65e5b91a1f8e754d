/** A limit of the memory backend holds over all workers: what floods a full bucket gets exactly what is in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from '../support/flood.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

/** Nothing comes back while the test runs. */
const hour = 3_600_000;

const config = (more: object = {}) => ({
  rateLimit: { global: { max: 100, windowMs: hour } },
  routes: [{ path: '/*', respond: { status: 204 } }],
  ...more,
});

test('of 2000 requests at once over two workers exactly 100 pass a limit of 100', async () => {
  const gateway = await startGateway({ config: config(), workers: 2 });
  const statuses = await flood(`${gateway.url}/x`, 2000);
  assert.deepEqual([...statuses].sort(), [
    [204, 100],
    [429, 1900],
  ]);
  assert.equal(await metric(gateway.adminUrl, 'rate_limit_alone_total'), 0);
});
