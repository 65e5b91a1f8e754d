/** Three times as much as the upstream can serve: it stays busy, who matters most is served in time, memory stays bounded, and all is well soon after. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { limitedUpstream } from '../support/limited-upstream.ts';
import { type Outcome, percentile, type Stream, sendOpenLoad } from '../support/open-load.ts';
import { residentBytes } from '../support/processes.ts';

/** What the upstream can serve: 10 at a time, 200 ms each. Little, so that a busy machine is not what is measured. */
const perSecond = 50;
const upstream = await limitedUpstream(10, 200);
after(() => upstream.close());
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/low', upstream: 'api', priority: 'low' },
      { path: '/normal', upstream: 'api' },
      { path: '/high', upstream: 'api', priority: 'high' },
    ],
    overload: { adaptive: true },
    logging: { level: 'warn' },
  },
});
const [worker = 0] = gateway.workers();

test('at three times the load that the upstream can take', async () => {
  const seconds = 8;
  const before = residentMb(worker);
  const best = countServed(await sendOpenLoad(gateway.url, load(1), seconds));
  const outcomes = await sendOpenLoad(gateway.url, load(3), seconds);
  const served = outcomes.filter(({ status }) => status === 200);
  assert.ok(served.length > 0.7 * best, `${served.length} served, ${best} with a third of the load`);
  assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set([200, 503]));

  const high = served.filter(({ path }) => path === '/high');
  assert.ok(high.length > 0.8 * countOf(outcomes, '/high'), `${high.length} high requests served`);
  // Without limits some 800 would wait in the end, for 16 s.
  assert.ok(percentile(high, 0.99) < 4_000, `p99 of high requests: ${percentile(high, 0.99)} ms`);
  const share = (path: string): number => countOf(served, path) / countOf(outcomes, path);
  assert.ok(share('/low') < share('/normal'), `low ${share('/low')}, normal ${share('/normal')}`);
  const grownMb = residentMb(worker) - before;
  assert.ok(grownMb < 100, `the worker has grown by ${grownMb} MB`);

  const recovered = await secondsUntilAllServed();
  assert.ok(recovered < 5, `it took ${recovered} s`);
});

async function secondsUntilAllServed(): Promise<number> {
  for (let second = 0; second < 10; second++) {
    const outcomes = await sendOpenLoad(gateway.url, load(0.5), 1);
    if (outcomes.every(({ status }) => status === 200)) return second;
  }
  return 10;
}

/** A tenth is high, the rest half normal and half low. */
function load(times: number): Stream[] {
  return [
    { path: '/high', perSecond: 0.1 * times * perSecond },
    { path: '/normal', perSecond: 0.45 * times * perSecond },
    { path: '/low', perSecond: 0.45 * times * perSecond },
  ];
}

function countServed(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ status }) => status === 200).length;
}

function countOf(outcomes: readonly Outcome[], path: string): number {
  return outcomes.filter((outcome) => outcome.path === path).length;
}

function residentMb(pid: number): number {
  return residentBytes(pid).now / 1024 / 1024;
}
