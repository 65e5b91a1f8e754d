/** GET and DELETE /limits/KEY, whoever keeps the buckets. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';

const hour = 3_600_000;
const config = (rateLimit: object) => ({
  security: { auth: { type: 'apiKey', keys: [{ key: hash('sha256', 'the-key'), name: 'Client A' }] } },
  rateLimit: { global: { max: 10, windowMs: hour }, ...rateLimit },
  routes: [
    { path: '/open', respond: { status: 204 } },
    { path: '/own', auth: 'required', rateLimit: { max: 2, windowMs: hour }, respond: { status: 204 } },
    { path: '/shared', rateLimit: { max: 5, windowMs: hour, key: 'all' }, respond: { status: 204 } },
  ],
});
const redis = await startRedis();
const gateways = {
  memory: await startGateway({ config: config({}) }),
  redis: await startGateway({ config: config({ backend: 'redis', redis: { url: redis.url } }) }),
};

for (const [keptIn, gateway] of Object.entries(gateways)) {
  test(`kept in ${keptIn}, the buckets of a client tell what is left, and can be filled again`, async () => {
    assert.deepEqual((await askAdmin(gateway, 'GET /limits/ip:127.0.0.1')).body, {
      key: 'ip:127.0.0.1',
      keptIn,
      buckets: [],
    });
    for (let i = 0; i < 3; i++) await ask(gateway, '/open');
    assert.deepEqual(await leftOf(gateway, 'ip:127.0.0.1'), [['client global', 10, 7]]);
    const { fullInMs } = (await askAdmin(gateway, 'GET /limits/ip:127.0.0.1')).body.buckets[0];
    assert.ok(fullInMs > 0.2 * hour && fullInMs <= 0.3 * hour, `${fullInMs}`);

    for (const status of [204, 204, 429]) assert.equal(await ask(gateway, '/own', 'the-key'), status);
    assert.deepEqual(await leftOf(gateway, 'client:Client%20A'), [
      ['client global', 10, 8],
      ['client route /own', 2, 0],
    ]);
    assert.equal((await askAdmin(gateway, 'DELETE /limits/client:Client%20A')).status, 200);
    assert.deepEqual(await leftOf(gateway, 'client:Client%20A'), []);
    assert.equal(await ask(gateway, '/own', 'the-key'), 204);
    assert.deepEqual(await leftOf(gateway, 'ip:127.0.0.1'), [['client global', 10, 7]]);
  });

  test(`kept in ${keptIn}, what all share is called all`, async () => {
    await ask(gateway, '/shared');
    assert.deepEqual(await leftOf(gateway, 'all'), [['all route /shared', 5, 4]]);
    await askAdmin(gateway, 'DELETE /limits/all');
    assert.deepEqual(await leftOf(gateway, 'all'), []);
  });
}

test('buckets that Redis does not let be filled are not said to be full', async () => {
  await ask(gateways.redis, '/open');
  await redis.command('ACL', 'SETUSER', 'default', '-unlink');
  const { status } = await askAdmin(gateways.redis, 'DELETE /limits/ip:127.0.0.1');
  await redis.command('ACL', 'SETUSER', 'default', '+unlink');
  assert.equal(status, 503);
});

test('while Redis is away the node tells of its own buckets, or nobody can tell where it keeps none', async () => {
  const gateway = gateways.redis;
  await redis.kill();
  const keptIn = async () => (await askAdmin(gateway, 'GET /limits/ip:127.0.0.1')).body.keptIn;
  await eventually(async () => ((await keptIn()) === 'memory' ? true : null), 'the node to answer for itself');
  await ask(gateway, '/open');
  assert.deepEqual(await leftOf(gateway, 'ip:127.0.0.1'), [['client global', 10, 9]]);
  assert.equal((await askAdmin(gateway, 'DELETE /limits/ip:127.0.0.1')).status, 200);
  assert.deepEqual(await leftOf(gateway, 'ip:127.0.0.1'), []);

  for (const onError of ['open', 'closed']) {
    const next = config({ backend: 'redis', redis: { url: redis.url, onError } });
    assert.equal(await gateway.reload(next), 'accepted');
    for (const method of ['GET', 'DELETE']) {
      const { status, headers, body } = await askAdmin(gateway, `${method} /limits/ip:127.0.0.1`);
      assert.deepEqual([status, body.code, headers['retry-after']], [503, 'rate_limiter_unavailable', '1'], onError);
    }
  }
  await redis.start();
  await eventually(async () => ((await keptIn()) === 'redis' ? true : null), 'Redis to answer again');
});

test('what is no key is 400', async () => {
  for (const key of ['nobody', 'ip:here', 'client:', 'header:x']) {
    assert.equal((await askAdmin(gateways.memory, `GET /limits/${key}`)).status, 400, key);
  }
});

async function ask(gateway: Gateway, path: string, key?: string): Promise<number> {
  const response = await fetch(`${gateway.url}${path}`, key === undefined ? {} : { headers: { 'x-api-key': key } });
  await response.arrayBuffer();
  return response.status;
}

async function leftOf(gateway: Gateway, key: string): Promise<unknown[]> {
  const { body } = await askAdmin(gateway, `GET /limits/${key}`);
  return body.buckets.map(({ limit, max, left }: Record<string, unknown>) => [limit, max, left]);
}
