/** What a gateway writes about its own life, from start to end: each line as the documentation has it, with the facts in its fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findGatewayLine } from '../../src/log/gateway-lines.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, type LogLine, startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';
import { startRedis } from '../support/redis.ts';

const redis = await startRedis();
const upstream = await recordingUpstream();
const circuitBreaker = { minimumRequests: 1, openDuration: 100 };
const config = {
  proxy: { shutdown: { delay: 50, timeout: 2_000 } },
  rateLimit: { backend: 'redis', redis: { url: redis.url } },
  upstreams: [{ name: 'api', url: upstream.url, circuitBreaker }],
  routes: [{ name: 'first', path: '/*', upstream: 'api' }],
};
const gateway = await startGateway({ config });

/** Its level, and its fields without those that every line has. */
async function lineOf(start: string, of: Gateway = gateway): Promise<readonly [level: unknown, fields: LogLine]> {
  const { level, time, msg, ...fields } = await of.log(({ msg }) => String(msg).startsWith(start), start);
  assert.ok(typeof time === 'number' && typeof msg === 'string');
  return [level, fields];
}

test('start: where it listens, with how many workers, and who takes the signals', async () => {
  const url = gateway.url;
  assert.deepEqual(await lineOf('ready'), [
    30,
    { url, admin: gateway.adminUrl, workers: 1, version: 1, pid: gateway.pid },
  ]);
  assert.deepEqual(await lineOf('Redis is up'), [30, {}]);
});

test('reload: the version, and what differs', async () => {
  const next = { ...config, routes: [{ name: 'second', path: '/*', upstream: 'api' }] };
  assert.equal(await gateway.reload(next), 'accepted');
  assert.deepEqual(await lineOf('reload: the config is valid'), [30, { version: 2 }]);
  const changes = ['route first removed', 'route second added'];
  assert.deepEqual(await lineOf('reload: the new config is in force'), [30, { version: 2, changes }]);
});

test('a reload that is rejected: each mistake with its place, and which version stays', async () => {
  assert.equal(await gateway.reload('routes:\n  - path: /a\n    upstream: nobody\n'), 'rejected');
  const [level, { first, ...fields }] = await lineOf('reload rejected');
  assert.deepEqual([level, fields], [50, { version: 2, file: gateway.configFile, problems: 1 }]);
  assert.match(String(first), /proxy\.yml:3:15 routes\[0\]\.upstream: "nobody" is not an upstream/);
  const mistake = await gateway.log(({ msg }) => msg === first, 'the mistake');
  assert.equal(mistake['level'], 50);
});

test('a breaker: when it opens, with the numbers that it went by, tries, and closes', async () => {
  upstream.on('/fails', (request) => request.send(response(500, [], 'no')));
  await ask(gateway.port, 'GET /fails HTTP/1.1\r\nHost: a\r\n\r\n');
  const [level, { openForMs, ...fields }] = await lineOf('circuit breaker: too many tries have failed');
  assert.deepEqual([level, fields], [40, { upstream: 'api', circuit: 'open', mode: 'enforce', tries: 1, failed: 1 }]);
  assert.ok(Number(openForMs) > 0 && Number(openForMs) <= 100);
  await eventually(
    async () => ((await ask(gateway.port, 'GET /works HTTP/1.1\r\nHost: a\r\n\r\n')).status === 200 ? true : null),
    'the probe',
  );
  const common = { upstream: 'api', mode: 'enforce' };
  assert.deepEqual(await lineOf('circuit breaker: one try at a time'), [30, { ...common, circuit: 'half-open' }]);
  assert.deepEqual(await lineOf('circuit breaker: the upstream is well again'), [30, { ...common, circuit: 'closed' }]);
});

test('the death of a worker: whose, why, at what age, and when it is replaced', async () => {
  process.kill(gateway.workers()[0] as number, 'SIGKILL');
  const [level, { ageMs, ...fields }] = await lineOf('worker died');
  assert.deepEqual([level, fields], [50, { worker: 1, reason: 'signal', how: 'SIGKILL', delayMs: 0 }]);
  assert.ok(Number(ageMs) > 0);
  await gateway.ready();
});

test('Redis: its going with the reason and what holds meanwhile, and its return', async () => {
  await redis.kill();
  const [level, { reason, ...fields }] = await lineOf('Redis is away');
  assert.deepEqual([level, fields], [40, { onError: 'local' }]);
  assert.ok(String(reason).length > 0);
  await redis.start();
  assert.deepEqual(await lineOf('Redis is back'), [30, {}]);
});

test('the end: that it begins, with the time that it may take, and how it went', async () => {
  gateway.signal('SIGTERM');
  assert.deepEqual(await lineOf('shutting down'), [30, { delayMs: 50, timeoutMs: 2_000 }]);
  assert.deepEqual(await lineOf('drained'), [30, {}]);
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('every line was one that is documented, with its level and its fields', () => {
  const lines = gateway.logs.filter(({ msg }) => msg !== 'request');
  assert.ok(lines.length > 12);
  const common = ['level', 'time', 'worker', 'msg'];
  for (const line of lines) {
    const { level, msg } = line;
    const fields = Object.keys(line).filter((name) => !common.includes(name));
    const known = findGatewayLine(null, String(msg));
    assert.ok(known !== null, String(msg));
    const names = known.fields.split(' ').filter((name) => name !== '' && name !== 'worker');
    const expected = names.filter((name) => !name.endsWith('?') || name.slice(0, -1) in line);
    assert.deepEqual(
      fields,
      expected.map((name) => name.replace('?', '')),
      String(msg),
    );
    assert.equal(level, { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }[known.level], String(msg));
  }
});
