/** Overload protection in shadow mode lets everybody pass, and tells whom it would have turned away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
upstream.on('/held', () => {});
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [{ path: '/*', upstream: 'api' }],
    overload: { maxConcurrent: 1, mode: 'shadow' },
  },
});

test('a request that would be shed is served, counted and logged in full', async () => {
  const holder = await rawClient(gateway.port);
  holder.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
  await upstream.arrival('/held');
  const answer = await ask(
    gateway.port,
    'GET /served HTTP/1.1\r\nHost: a\r\nX-Request-Id: served\r\nConnection: close\r\n\r\n',
  );
  assert.equal(answer.status, 200);
  const line = await gateway.accessLog('served');
  assert.deepEqual([line['shadow'], line['sampleRate'], line['code']], [['overloaded'], 1, undefined]);
  const labels = { policy: 'overload', route: '/*' };
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'shadow_decisions_total', labels)) === 1 ? true : null),
    'the decision to be counted',
  );
  assert.equal(await metric(gateway.adminUrl, 'shed_requests_total'), 0);
  const level = await gateway.log(({ sheds }) => sheds === 'all', 'the level');
  assert.equal(level['mode'], 'shadow');
});
