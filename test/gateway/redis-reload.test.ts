/** A reload takes up another Redis, and leaves alone the one that has not changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask } from '../support/raw-client.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const hour = 3_600_000;

test('reloads keep the connections to the Redis that they do not change', async () => {
  const redis = await startRedis();
  const config = (message: string): object => ({
    ...configOf({ backend: 'redis', redis: { url: redis.url } }),
    ...note(message),
  });
  const gateway = await startGateway({ config: config('0'), workers: 2 });
  const before = await received(redis);
  for (let i = 1; i <= 10; i++) assert.equal(await gateway.reload(config(String(i))), 'accepted');
  assert.equal(await received(redis), before + 1, 'none but the one that asks this');
});

test('another url, another Redis: the connections to the first are closed', async () => {
  const [first, second] = await Promise.all([startRedis(), startRedis()]);
  const on = ({ url }: RedisServer): object => configOf({ backend: 'redis', redis: { url } });
  const gateway = await startGateway({ config: on(first), workers: 2 });
  assert.deepEqual(await statuses(gateway, 3), [204, 204, 429]);
  for (let i = 0; i < 3; i++) {
    assert.equal(await gateway.reload(on(second)), 'accepted');
    assert.equal(await gateway.reload(on(first)), 'accepted');
  }
  assert.deepEqual(await statuses(gateway, 1), [429]);
  assert.equal(await gateway.reload(on(second)), 'accepted');
  assert.deepEqual(await statuses(gateway, 3), [204, 204, 429]);
  await eventually(async () => ((await clients(first)) === 1 ? true : null), 'nobody but the test to be connected');
  // The supervisor and two workers.
  assert.equal(await clients(second), 4);
});

test('a backend that is turned to memory, and back', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf({ backend: 'redis', redis: { url: redis.url } }) });
  assert.deepEqual(await statuses(gateway, 3), [204, 204, 429]);
  assert.equal(await metric(gateway.adminUrl, 'redis_up'), 1);
  assert.equal(await gateway.reload(configOf({ backend: 'memory' })), 'accepted');
  assert.deepEqual(await statuses(gateway, 3), [204, 204, 429]);
  assert.doesNotMatch(await (await fetch(`${gateway.adminUrl}/metrics`)).text(), /^redis_up /m);
  await eventually(async () => ((await clients(redis)) === 1 ? true : null), 'nobody but the test to be connected');
  assert.equal(await gateway.reload(configOf({ backend: 'redis', redis: { url: redis.url } })), 'accepted');
  assert.deepEqual(await statuses(gateway, 1), [429]);
});

test('a rejected reload leaves no connection to the Redis that it names', async () => {
  const [used, named] = await Promise.all([startRedis(), startRedis()]);
  const gateway = await startGateway({ config: configOf({ backend: 'redis', redis: { url: used.url } }) });
  const wrong = { ...configOf({ backend: 'redis', redis: { url: named.url } }), unknown: 1 };
  assert.equal(await gateway.reload(wrong), 'rejected');
  assert.equal(await clients(named), 1);
  assert.deepEqual(await statuses(gateway, 3), [204, 204, 429]);
});

function configOf(rateLimit: object): object {
  return {
    rateLimit: { ...rateLimit, global: { max: 2, windowMs: hour } },
    routes: [{ path: '/*', respond: { status: 204 } }],
  };
}

/** A config that differs. */
function note(body: string): object {
  return { routes: [{ path: '/*', respond: { status: 200, body } }] };
}

async function statuses({ port }: Gateway, count: number): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; i < count; i++) {
    answers.push((await ask(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status);
  }
  return answers;
}

async function clients(redis: RedisServer): Promise<number> {
  return Number(/connected_clients:(\d+)/.exec(await redis.command('INFO', 'clients'))?.[1]);
}

/** Connections so far. */
async function received(redis: RedisServer): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await redis.command('INFO', 'stats'))?.[1]);
}
