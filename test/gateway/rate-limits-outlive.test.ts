/** What is used up stays used up: over a reload, over a replacement of all workers, and when one is killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { flood } from '../support/flood.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { ask } from '../support/raw-client.ts';

const hour = 3_600_000;

function configWith(limit: object, more: object = {}): object {
  const overload = { mode: 'shadow' };
  return { overload, routes: [{ name: 'all', path: '/*', respond: { status: 200 }, rateLimit: limit, ...more }] };
}

test('a reload gives nobody a new limit, whatever else it changes', async () => {
  const gateway = await startGateway({ config: configWith({ max: 3, windowMs: hour }), workers: 2 });
  assert.deepEqual(await statusesOf(gateway, 2), [200, 200]);
  await gateway.reload(configWith({ max: 3, windowMs: hour, message: 'new' }, { respond: { status: 203 } }));
  assert.deepEqual(await statusesOf(gateway, 2), [203, 429]);
});

test('a limit that is raised gives at once what it has more, one that is lowered has been used up', async () => {
  const gateway = await startGateway({ config: configWith({ max: 3, windowMs: hour }) });
  await statusesOf(gateway, 3);
  await gateway.reload(configWith({ max: 5, windowMs: 2 * hour }));
  assert.deepEqual(await statusesOf(gateway, 3), [200, 200, 429]);
  await gateway.reload(configWith({ max: 4, windowMs: hour }));
  assert.deepEqual(await statusesOf(gateway, 1), [429]);
  await gateway.reload(configWith({ max: 6, windowMs: hour }));
  assert.deepEqual(await statusesOf(gateway, 2), [200, 429]);
});

test('another key, or another route, is another limit', async () => {
  const gateway = await startGateway({ config: configWith({ max: 1, windowMs: hour }) });
  await statusesOf(gateway, 1);
  await gateway.reload(configWith({ max: 1, windowMs: hour, key: 'all' }));
  assert.deepEqual(await statusesOf(gateway, 2), [200, 429]);
  await gateway.reload(configWith({ max: 1, windowMs: hour, key: 'all' }, { name: 'other' }));
  assert.deepEqual(await statusesOf(gateway, 2), [200, 429]);
});

for (const workers of [1, 2]) {
  test(`under a flood during a replacement of all workers, exactly max pass, with ${workers} of them`, async () => {
    const gateway = await startGateway({ config: configWith({ max: 100, windowMs: hour }), workers });
    const load = startLoad(`${gateway.url}/x`, { persistent: 3, fresh: 3 });
    await load.more(30);
    gateway.signal('SIGUSR2');
    await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the end of the replacement');
    await load.more(60);
    const { answered, failures } = await load.stop();
    const refused = failures.filter((failure) => failure.endsWith('status 429'));
    assert.deepEqual(failures.length, refused.length);
    assert.equal(answered - refused.length, 100);
  });
}

test('a killed worker takes nothing with it: no request more passes, and at most those are lost that it held', async () => {
  const gateway = await startGateway({ config: configWith({ max: 100, windowMs: hour }), workers: 2 });
  const load = startLoad(`${gateway.url}/x`, { persistent: 8, fresh: 0 });
  await load.more(40);
  const [victim = 0] = gateway.workers();
  process.kill(victim, 'SIGKILL');
  await gateway.log(({ msg }) => msg === 'worker died', 'the death');
  await eventually(() => (gateway.workers().length === 2 ? true : null), 'its successor');
  const { answered, failures } = await load.stop();
  const rest = await flood(`${gateway.url}/x`, 200);
  const passed = answered - failures.length + (rest.get(200) ?? 0);
  const cut = failures.filter((failure) => !failure.endsWith('status 429')).length;
  assert.ok(passed <= 100 && passed >= 100 - cut, `${passed} passed, ${cut} were cut`);
  assert.ok(cut <= 8, `${cut} were cut`);
});

async function statusesOf(gateway: Gateway, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await ask(gateway.port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    statuses.push(answer.status);
  }
  return statuses;
}
