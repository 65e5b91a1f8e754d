/** Health on both listeners, through the life of a gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { forwardAll, type Gateway, startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';
import { startRedis } from '../support/redis.ts';

const upstream = await recordingUpstream();

test('live and ready answer on both listeners as in the documentation', async () => {
  const gateway = await startGateway({ config: forwardAll(upstream.url) });
  for (const url of [gateway.url, gateway.adminUrl]) {
    const live = await ask(`${url}/health/live`);
    assert.deepEqual([live.status, live.body['status'], live.type], [200, 'UP', 'application/json']);
    assert.ok(Math.abs(Date.parse(String(live.body['timestamp'])) - Date.now()) < 60_000);
    const ready = await ask(`${url}/health/ready`);
    assert.deepEqual([ready.status, ready.body], [200, { status: 'UP', checks: { config: 'UP', upstreams: 'UP' } }]);
  }
});

test('health on the proxy port wins over routes, and gives way to them when it is turned off', async () => {
  const respond = { routes: [{ path: '/*', respond: { status: 200, body: '{"status":"mine"}' } }] };
  const on = await startGateway({ config: respond });
  assert.equal((await ask(`${on.url}/health/live`)).body['status'], 'UP');
  const off = await startGateway({ config: { ...respond, proxy: { endpoints: { health: false, metrics: false } } } });
  assert.equal((await ask(`${off.url}/health/live`)).body['status'], 'mine');
  assert.equal((await ask(`${off.adminUrl}/health/live`)).body['status'], 'UP');
});

test('a gateway that drains is not ready, and says so on both listeners while it still accepts', async () => {
  const config = { ...forwardAll(upstream.url), proxy: { shutdown: { delay: 1500, timeout: 2000 } } };
  const gateway = await startGateway({ config });
  gateway.signal('SIGTERM');
  for (const url of [gateway.url, gateway.adminUrl]) {
    const down = await eventually(async () => {
      const answer = await ask(`${url}/health/ready`);
      return answer.status === 503 ? answer : null;
    }, 'not ready');
    assert.deepEqual(down.body, { status: 'DOWN', checks: { config: 'UP', upstreams: 'UP', drain: 'DOWN' } });
    assert.equal((await ask(`${url}/health/live`)).status, 200);
  }
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('deep health asks each upstream', async () => {
  const [closed = 0] = await freePorts(1);
  const gateway = await startGateway({
    config: {
      upstreams: [
        { name: 'up', url: upstream.url },
        { name: 'down', url: `http://127.0.0.1:${closed}` },
        { name: 'echo', builtin: 'echo' },
      ],
      routes: ['up', 'down', 'echo'].map((name) => ({ path: `/${name}`, upstream: name })),
    },
  });
  const deep = await ask(`${gateway.adminUrl}/health/deep`);
  assert.equal(deep.status, 200);
  assert.deepEqual(deep.body['upstreams'], {
    up: { status: 'UP', targets: [{ target: `127.0.0.1:${upstream.port}`, status: 'UP' }] },
    down: { status: 'DOWN', targets: [{ target: `127.0.0.1:${closed}`, status: 'DOWN', reason: 'ECONNREFUSED' }] },
    echo: { status: 'UP', targets: [] },
  });
  // On the proxy port anybody may ask: no addresses there.
  const names = await ask(`${gateway.url}/health/deep`);
  assert.deepEqual([names.status, names.body['upstreams']], [200, { up: 'UP', down: 'DOWN', echo: 'UP' }]);
});

test('Redis going and coming is DEGRADED and UP, and the gateway stays ready', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: withRedis(redis.url, 'local') });
  await readyIs(gateway, 200, 'UP');
  await redis.kill();
  await readyIs(gateway, 200, 'DEGRADED');
  await gateway.log((line) => /Redis is away/.test(String(line['msg'])) && line['level'] === 40, 'the warning');
  await redis.start();
  await readyIs(gateway, 200, 'UP');
});

test('with onError: closed a Redis that is away makes the gateway unready, from the start and until it comes', async () => {
  const [port = 0] = await freePorts(1);
  const gateway = await startGateway({
    config: withRedis(`redis://127.0.0.1:${port}`, 'closed'),
    waitFor: 'no',
  });
  await eventually(() => readiness(gateway).catch(() => null), 'an answer', 20_000);
  await readyIs(gateway, 503, 'DOWN');
  await startRedis({ port });
  await readyIs(gateway, 200, 'UP');
});

function withRedis(url: string, onError: string): object {
  return { ...forwardAll(upstream.url), rateLimit: { backend: 'redis', redis: { url, onError } } };
}

/** The workers hear of it a moment after the supervisor. */
async function readyIs(gateway: Gateway, status: number, redis: string): Promise<void> {
  await eventually(async () => {
    const answers = await readiness(gateway);
    return answers.every((a) => a.status === status && (a.body['checks'] as { redis?: string }).redis === redis)
      ? true
      : null;
  }, `${status} with redis ${redis}`);
}

function readiness(gateway: Gateway) {
  return Promise.all([gateway.url, gateway.adminUrl].map((url) => ask(`${url}/health/ready`)));
}

async function ask(url: string) {
  const answer = await fetch(url);
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, type: answer.headers.get('content-type'), body };
}
