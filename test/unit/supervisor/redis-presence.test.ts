/** What a node tells about Redis, with a supervisor that looks itself and workers that report. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RateLimitConfig } from '../../../src/contracts/config.ts';
import type { Log } from '../../../src/contracts/log.ts';
import { RedisPresence } from '../../../supervisor/redis-presence.ts';
import { eventually } from '../../support/deadline.ts';
import { freePorts } from '../../support/ports.ts';
import { startRedis } from '../../support/redis.ts';
import { redisConfig } from '../../support/redis-config.ts';

test('it is away while one of the processes finds it so, and each change is one line', async (t) => {
  const redis = await startRedis();
  const { presence, lines } = await follow(t, redis.url);
  assert.equal(presence.facts?.status, 'up');
  presence.hear(1, 'up', '');
  presence.hear(1, 'away', 'no answer within 50 ms');
  presence.hear(2, 'away', 'no answer within 50 ms');
  assert.equal(presence.facts?.status, 'away');
  presence.hear(1, 'up', '');
  assert.equal(presence.facts?.status, 'away');
  presence.hear(2, 'up', '');
  assert.equal(presence.facts?.status, 'up');
  assert.deepEqual(lines, [
    'Redis is up',
    'Redis is away: each node keeps its limits by itself, because: no answer within 50 ms',
    'Redis is back',
  ]);
});

test('what a worker found that has died counts no more', async (t) => {
  const redis = await startRedis();
  const { presence } = await follow(t, redis.url);
  presence.hear(7, 'away', 'the connection was closed');
  presence.forget(7);
  assert.equal(presence.facts?.status, 'up');
});

test('a kill and a restart are noticed without a worker', async (t) => {
  const redis = await startRedis();
  const { presence, lines } = await follow(t, redis.url);
  await redis.kill();
  await eventually(() => (presence.facts?.status === 'away' ? true : null), 'it to be away', 2_000);
  await redis.start();
  await eventually(() => (presence.facts?.status === 'up' ? true : null), 'it to be back', 2_000);
  assert.equal(lines.length, 3);
});

test('a reload that names another Redis asks that one, and one without Redis asks none', async (t) => {
  const redis = await startRedis();
  const [port = 0] = await freePorts(1);
  const { presence, lines } = await follow(t, `redis://127.0.0.1:${port}`);
  assert.equal(presence.facts?.status, 'away');
  presence.hear(1, 'away', 'refused');
  await presence.follow(config(redis.url));
  assert.equal(presence.facts?.status, 'up');
  await presence.follow({ ...config(redis.url), backend: 'memory' });
  assert.equal(presence.facts, null);
  assert.equal(lines.at(-1), 'Redis is up');
});

async function follow(t: TestContext, url: string) {
  const lines: string[] = [];
  const say: Log['info'] = ({ reason }, message) =>
    void lines.push(reason === undefined ? message : `${message}, because: ${reason as string}`);
  const presence = new RedisPresence({ debug: say, info: say, warn: say, error: say, fatal: say }, () => {});
  t.after(() => presence.follow({ ...config(url), backend: 'memory' }));
  await presence.follow(config(url));
  return { presence, lines };
}

function config(url: string): RateLimitConfig {
  return { backend: 'redis', redis: redisConfig({ url }), global: null, perRoute: [] };
}
