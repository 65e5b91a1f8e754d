/**
 * What reloads of 5,000 routes cost those who send requests meanwhile: stretches without and with reloads, one after the other, under
 * requests that come at a fixed rate. Run by
 * `bin/pinned-node --import tsx load/reload-cost.ts`
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { askAdmin } from '../test/support/admin.ts';
import { type Gateway, startGateway } from '../test/support/gateway.ts';
import { type Outcome, percentile, sendOpenLoad } from '../test/support/open-load.ts';

const rounds = Number(process.env['ROUNDS'] ?? 5);
const seconds = Number(process.env['STRETCH_SECONDS'] ?? 4);
const perSecond = Number(process.env['RATE'] ?? 200);
const routes = Number(process.env['ROUTES'] ?? 5000);

/** JSON is YAML, and put together in no time. */
const configOf = ({ port, adminPort }: Gateway, timeout: number): string =>
  JSON.stringify({
    ...common,
    proxy: { host: '127.0.0.1', port, shutdown: { delay: 0, timeout: 2000 } },
    admin: { port: adminPort },
    routes: routesOf(routes, timeout),
  });

const common = { logging: { level: 'warn' }, upstreams: [{ name: 'echo', builtin: 'echo' }] };

const routesOf = (count: number, timeout: number): object[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `route-${i}`,
    path: `/${i % 50}/things-${i}/:id/*`,
    upstream: 'echo',
    timeout: timeout + (i % 100),
  }));

test('reloads under load', { timeout: 600_000 }, async () => {
  const gateway = await startGateway({ config: { ...common, routes: routesOf(1, 10_000) }, workers: 2 });
  writeFileSync(gateway.configFile, configOf(gateway, 10_000));
  assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
  const outcomes = { quiet: [] as Outcome[], reloading: [] as Outcome[] };
  let reloads = 0;
  for (let round = 0; round < rounds; round++) {
    outcomes.quiet.push(...(await stretch(gateway)));
    writeFileSync(gateway.configFile, configOf(gateway, 10_000 + round + 1));
    let isOver = false;
    const reloading = (async () => {
      while (!isOver) {
        assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
        reloads++;
      }
    })();
    outcomes.reloading.push(...(await stretch(gateway)));
    isOver = true;
    await reloading;
  }
  for (const [when, all] of Object.entries(outcomes)) {
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(all, share).toFixed(1));
    const failures = all.filter(({ status }) => status !== 200).length;
    console.log(`${when.padEnd(10)} ${all.length} requests, p50 ${p50} ms, p99 ${p99} ms, failures ${failures}`);
  }
  console.log(`${reloads} reloads of ${routes} routes`);
});

function stretch(gateway: Gateway): Promise<Outcome[]> {
  return sendOpenLoad(gateway.url, [{ path: '/0/things-0/x/y', perSecond }], seconds);
}
