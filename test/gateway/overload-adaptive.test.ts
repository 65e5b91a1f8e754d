/** `overload.adaptive`: an upstream gets as much at a time as it answers in good time, and more when it becomes faster. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { limitedUpstream } from '../support/limited-upstream.ts';
import { metric } from '../support/metric.ts';
import { type Outcome, sendOpenLoad } from '../support/open-load.ts';

test('a queue at the upstream is kept short, low routes are refused first, and a faster upstream gets more', async () => {
  // 80 requests a second are as many as it can serve; three times as many come.
  const upstream = await limitedUpstream(4, 50);
  after(() => upstream.close());
  const gateway = await startGateway({
    config: {
      upstreams: [{ name: 'slow', url: upstream.url }],
      routes: [
        { path: '/low/*', upstream: 'slow', priority: 'low' },
        { path: '/high/*', upstream: 'slow', priority: 'high' },
      ],
      overload: { adaptive: true },
    },
  });
  const streams = [
    { path: '/low/x', perSecond: 220 },
    { path: '/high/x', perSecond: 20 },
  ];
  /** What a second of load brings, again and again until it is as it should be. */
  const until = async (what: string, isSo: (outcomes: readonly Outcome[]) => boolean | Promise<boolean>) => {
    for (let second = 0; second < 40; second++) {
      if (await isSo(await sendOpenLoad(gateway.url, streams, 1))) return;
    }
    throw new Error(`40 seconds went by without ${what}`);
  };
  const served = (outcomes: readonly Outcome[], path: string): number =>
    outcomes.filter((outcome) => outcome.path === path && outcome.status === 200).length;

  await until('a short queue', async (outcomes) => {
    const limit = await metric(gateway.adminUrl, 'upstream_concurrency_limit', { upstream: 'slow' });
    // Without a limit 160 more would wait after each second.
    return (
      limit < 30 && upstream.present < 30 && served(outcomes, '/high/x') === 20 && served(outcomes, '/low/x') < 220
    );
  });
  assert.ok((await metric(gateway.adminUrl, 'shed_requests_total', { priority: 'low' })) > 0);

  upstream.serviceMs = 5;
  await until('all being served', (outcomes) => outcomes.every(({ status }) => status === 200));
});

test('without it there is no such limit', async () => {
  const gateway = await startGateway({
    config: { upstreams: [{ name: 'echo', builtin: 'echo' }], routes: [{ path: '/*', upstream: 'echo' }] },
  });
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  assert.ok(!text.includes('upstream_concurrency_limit'));
});
