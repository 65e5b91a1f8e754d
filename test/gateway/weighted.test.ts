/** A route with several upstreams: each gets its share of the requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const requests = 400;
const heavy = await recordingUpstream();
const light = await recordingUpstream();
const resting = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'heavy', url: heavy.url },
      { name: 'light', url: light.url },
      { name: 'resting', url: resting.url },
    ],
    routes: [
      {
        path: '/shared',
        upstream: [
          { name: 'resting', weight: 0 },
          { name: 'heavy', weight: 75 },
          { name: 'light', weight: 25 },
        ],
      },
    ],
  },
});

test('upstreams get requests by their weights, and one of weight 0 gets none', async () => {
  const client = await rawClient(gateway.port);
  for (let i = 0; i < requests; i++) {
    client.write('GET /shared HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.status, 200);
  }
  client.destroy();
  assert.equal(heavy.requests.length + light.requests.length, requests);
  assert.equal(resting.requests.length, 0);
  // 100 expected; a fair draw is off by more than 60, seven standard deviations, once in 10^11 runs.
  assert.ok(Math.abs(light.requests.length - 100) <= 60, `${light.requests.length} of ${requests}`);
});
