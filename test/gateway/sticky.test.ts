/** A canary that clients stay with: `sticky` on a route with weighted upstreams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const stable = await recordingUpstream();
const canary = await recordingUpstream();
const consumers = Array.from({ length: 60 }, (_, i) => `client-${i}`);
const shares = (stableWeight: number) => ({
  upstream: [
    { name: 'stable', weight: stableWeight },
    { name: 'canary', weight: 100 - stableWeight },
  ],
  sticky: 'header:X-User',
});
const config = (stableWeight: number) => ({
  upstreams: [
    { name: 'stable', url: stable.url },
    { name: 'canary', url: canary.url },
  ],
  routes: [
    { path: '/a', ...shares(stableWeight) },
    { path: '/b', ...shares(stableWeight) },
    { path: '/by-consumer', ...shares(stableWeight), sticky: 'consumer' },
  ],
});
const gateway = await startGateway({ config: config(70), workers: 2 });

/** Which of them got the canary. */
async function whoGetsCanary(path: string): Promise<string[]> {
  const got: string[] = [];
  for (const user of consumers) {
    const before = canary.requests.length;
    await (await fetch(`${gateway.url}${path}`, { headers: { 'X-User': user, Connection: 'close' } })).text();
    if (canary.requests.length > before) got.push(user);
  }
  return got;
}

test('a client stays with its upstream, on every worker and on every route', async () => {
  const got = await whoGetsCanary('/a');
  // 18 of 60 expected.
  assert.ok(got.length >= 6 && got.length <= 32, `${got.length} of 60`);
  assert.deepEqual(await whoGetsCanary('/a'), got);
  assert.deepEqual(await whoGetsCanary('/b'), got);
});

test('a larger share takes more clients, and gives none back', async () => {
  const got = await whoGetsCanary('/a');
  assert.equal(await gateway.reload(config(40)), 'accepted');
  const more = await whoGetsCanary('/a');
  assert.ok(more.length > got.length);
  assert.deepEqual(
    got.filter((user) => !more.includes(user)),
    [],
  );
});

test('without a consumer the address decides', async () => {
  const got = await whoGetsCanary('/by-consumer');
  assert.ok(got.length === 0 || got.length === consumers.length);
});
