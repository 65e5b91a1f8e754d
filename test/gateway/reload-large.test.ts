/** A config of 5,000 routes is taken up while requests come in, and none of them notices. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';

const gateway = await startGateway({
  config: { upstreams: [{ name: 'echo', builtin: 'echo' }], routes: [route(7)] },
  workers: 2,
});

test('a reload of 5,000 routes under load fails no request', async () => {
  const load = startLoad(`${gateway.url}/7/things-7/x/y`, { persistent: 2, fresh: 2 });
  await load.more(20);
  // JSON is YAML, and written in no time.
  const config = {
    proxy: { host: '127.0.0.1', port: gateway.port, shutdown: { delay: 0, timeout: 2000 } },
    admin: { port: gateway.adminPort },
    upstreams: [{ name: 'echo', builtin: 'echo' }],
    routes: Array.from({ length: 5000 }, (_, i) => route(i)),
  };
  writeFileSync(gateway.configFile, JSON.stringify(config));
  const { status, body } = await askAdmin(gateway, 'POST /reload');
  assert.equal(status, 200, JSON.stringify(body).slice(0, 500));
  assert.equal(body.changes.filter((line: string) => line.endsWith(' added')).length, 4999);
  assert.equal((await fetch(`${gateway.url}/49/things-4999/x/y`)).status, 200);
  await load.more(20);
  assert.deepEqual((await load.stop()).failures, []);
});

function route(i: number): object {
  return { name: `route-${i}`, path: `/${i % 50}/things-${i}/:id/*`, upstream: 'echo', timeout: 10_000 + (i % 100) };
}
