/** The way to Redis, against real servers: refused, hanging, slow, killed, back, full, read-only, behind sentinels, as a cluster. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisConfig } from '../../../src/contracts/config.ts';
import type { LimitRule } from '../../../src/contracts/limiter.ts';
import { BucketCall } from '../../../src/state/bucket-call.ts';
import { RedisStore } from '../../../src/state/redis-store.ts';
import { eventually, within } from '../../support/deadline.ts';
import { freePorts } from '../../support/ports.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { redisConfig } from '../../support/redis-config.ts';
import { slowWayTo } from '../../support/slow-way.ts';

const noticeMs = 2000;

test('a Redis that answers is up at once', async (t) => {
  const redis = await startRedis();
  const { store, told } = await open(t, { url: redis.url });
  assert.equal(store.status, 'up');
  assert.deepEqual(told(), ['up']);
  assert.deepEqual(await ask(store), [[60_000]]);
});

test('one that refuses connections starts as away after at most a second, and is noticed within two when it comes', async (t) => {
  const [port = 0] = await freePorts(1);
  const startedAt = performance.now();
  const { store, changes, told, until } = await open(t, { url: `redis://127.0.0.1:${port}` });
  assert.ok(performance.now() - startedAt < 1500);
  assert.equal(store.status, 'away');
  await startRedis({ port });
  await until('up', noticeMs);
  assert.deepEqual(told(), ['away', 'up']);
  assert.match(changes[0]?.reason ?? '', /ECONNREFUSED|no answer/);
});

test('one that accepts and never answers starts as away after a second', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const startedAt = performance.now();
  const { store } = await open(t, { url: `redis://127.0.0.1:${port}` });
  const tookMs = performance.now() - startedAt;
  assert.equal(store.status, 'away');
  assert.ok(tookMs > 900 && tookMs < 2000, `${tookMs} ms`);
});

test('one that hangs is away within two seconds, told once, and back within two of going on', async (t) => {
  const redis = await startRedis();
  const { told, until } = await open(t, { url: redis.url });
  redis.hang();
  await until('away', noticeMs);
  // Long enough for connections to be given up and made anew, none of which is answered.
  await delay(4000);
  redis.resume();
  await until('up', noticeMs);
  assert.deepEqual(told(), ['up', 'away', 'up']);
});

test('one that is killed is away at once, and back within two seconds of its restart', async (t) => {
  const redis = await startRedis();
  const { store, told, until } = await open(t, { url: redis.url });
  for (let i = 0; i < 2; i++) {
    await redis.kill();
    await until('away', noticeMs);
    assert.equal(await ask(store), null);
    await redis.start();
    await until('up', noticeMs);
    // It has forgotten the script, and every bucket.
    assert.deepEqual(await ask(store), [[60_000]]);
  }
  assert.deepEqual(told(), ['up', 'away', 'up', 'away', 'up']);
});

test('a pause of this process does not make a healthy Redis look late', async (t) => {
  const redis = await startRedis();
  const { store, told } = await open(t, { url: redis.url });
  for (let i = 0; i < 5; i++) {
    const answer = ask(store);
    const until = performance.now() + 700;
    while (performance.now() < until);
    assert.notEqual(await answer, null);
  }
  assert.deepEqual(told(), ['up']);
});

test('an answer that takes longer than 50 ms comes too late for its own request only', async (t) => {
  const redis = await startRedis();
  const way = await slowWayTo(redis.port);
  const { store, told } = await open(t, { url: `redis://127.0.0.1:${way.port}` });
  way.delayMs = 150;
  const late = ask(store);
  await within(late, 'the request to be decided');
  way.delayMs = 0;
  assert.equal(await late, null);
  // Answers keep their order: the next one would have to wait for the late one.
  await delay(150);
  assert.notEqual(await ask(store), null);
  assert.deepEqual(told(), ['up']);
});

test('two late answers in a row are away; what still waits is decided at once, and only probes are sent', async (t) => {
  const redis = await startRedis();
  const way = await slowWayTo(redis.port);
  const { store, changes, told, until } = await open(t, { url: `redis://127.0.0.1:${way.port}` });
  way.delayMs = 400;
  const asks = Array.from({ length: 200 }, () => ask(store));
  assert.ok((await Promise.all(asks)).every((answer) => answer === null));
  assert.equal(store.status, 'away');
  assert.match(changes.at(-1)?.reason ?? '', /no answer within 50 ms/);
  const before = await callsOf(redis);
  await Promise.all(Array.from({ length: 200 }, () => ask(store)));
  await delay(1000);
  assert.ok((await callsOf(redis)) - before <= 210, 'the first 200, and some probes');
  // Still slow, still away.
  assert.deepEqual(told(), ['up', 'away']);
  way.delayMs = 0;
  await until('up', noticeMs);
  assert.notEqual(await ask(store), null);
});

test('what is asked before Redis is away does not wait its whole time once it is', async (t) => {
  const redis = await startRedis();
  const { store } = await open(t, { url: redis.url });
  redis.hang();
  const first = [ask(store), ask(store)];
  await delay(25);
  let isDecided = false;
  void ask(store).then(() => (isDecided = true));
  await Promise.all(first);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.status, 'away');
  assert.ok(isDecided);
});

test('a connection that is cut is away, and made anew', async (t) => {
  const redis = await startRedis();
  const way = await slowWayTo(redis.port);
  const { store, told, until } = await open(t, { url: `redis://127.0.0.1:${way.port}` });
  way.delayMs = 30;
  const asked = ask(store);
  await new Promise((resolve) => setImmediate(resolve));
  way.cut();
  assert.equal(await asked, null);
  way.delayMs = 0;
  await until('up', noticeMs);
  assert.deepEqual(told(), ['up', 'away', 'up']);
});

test('one without memory for another bucket is away until it has some', async (t) => {
  const redis = await startRedis();
  const { store, changes, until } = await open(t, { url: redis.url });
  await redis.command('CONFIG', 'SET', 'maxmemory', '1');
  assert.equal(await ask(store), null);
  assert.equal(store.status, 'away');
  assert.match(changes.at(-1)?.reason ?? '', /OOM/);
  await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  await until('up', noticeMs);
  assert.notEqual(await ask(store), null);
});

test('one that has become a replica is away until it takes writes again', async (t) => {
  const redis = await startRedis();
  const other = await startRedis();
  const { store, until } = await open(t, { url: redis.url });
  await redis.command('REPLICAOF', '127.0.0.1', String(other.port));
  assert.equal(await ask(store), null);
  assert.equal(store.status, 'away');
  await redis.command('REPLICAOF', 'NO', 'ONE');
  await until('up', noticeMs);
  assert.notEqual(await ask(store), null);
});

test('a store that is closed answers what it has been asked, and leaves no connection', async (t) => {
  const redis = await startRedis();
  const way = await slowWayTo(redis.port);
  const { store } = await open(t, { url: `redis://127.0.0.1:${way.port}` });
  const asked = ask(store);
  store.close();
  assert.notEqual(await asked, null);
  await eventually(() => (way.open === 0 ? true : null), 'the connection to be closed');
});

test('a wrong password is away with its reason, and no password gets into that', async (t) => {
  const redis = await startRedis({ args: ['--requirepass', 'right-secret'] });
  const wrong = await open(t, { url: `redis://:wrong-secret@127.0.0.1:${redis.port}` });
  assert.equal(wrong.store.status, 'away');
  assert.match(wrong.changes[0]?.reason ?? '', /WRONGPASS/);
  const right = await open(t, { url: `redis://:right-secret@127.0.0.1:${redis.port}` });
  assert.equal(right.store.status, 'up');
  await redis.kill();
  await right.until('away', noticeMs);
  assert.doesNotMatch(JSON.stringify([...wrong.changes, ...right.changes]), /secret/);
});

test('the master is found through sentinels', async (t) => {
  const redis = await startRedis();
  const [port = 0] = await freePorts(1);
  const file = `${process.env['TMPDIR'] ?? '/tmp'}/sluice-sentinel-${process.pid}-${port}.conf`;
  const { writeFileSync, rmSync } = await import('node:fs');
  writeFileSync(file, `port ${port}\nsentinel monitor main 127.0.0.1 ${redis.port} 1\n`);
  t.after(() => rmSync(file, { force: true }));
  await startRedis({ port, args: [file, '--port', String(port), '--sentinel'] });
  const { store, until } = await open(t, { sentinels: [`127.0.0.1:${port}`], sentinelName: 'main' });
  assert.equal(store.status, 'up');
  await redis.kill();
  await until('away', noticeMs);
  await redis.start();
  await until('up', noticeMs);
});

test('a cluster is up when it answers, away when none of it does', async (t) => {
  const redis = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
  await redis.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await eventually(
    async () => ((await redis.command('CLUSTER', 'INFO')).includes('cluster_state:ok') ? true : null),
    'the cluster',
  );
  const { store, until, changes } = await open(t, { cluster: [`127.0.0.1:${redis.port}`] });
  assert.equal(store.status, 'up', JSON.stringify(changes));
  redis.hang();
  await until('away', noticeMs);
  redis.resume();
  await until('up', noticeMs);
});

interface Change {
  readonly status: string;
  readonly reason: string;
}

/** Scripts that it has run. */
async function callsOf(redis: RedisServer): Promise<number> {
  const text = await redis.command('INFO', 'commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
}

/** What the store has told, its first status included. */
async function open(t: TestContext, config: Partial<RedisConfig>) {
  const changes: Change[] = [];
  const store = new RedisStore(redisConfig(config), (status, reason) => void changes.push({ status, reason }));
  t.after(() => store.close());
  await store.started;
  const until = (status: string, ms: number) =>
    eventually(() => (store.status === status ? true : null), `Redis to be ${status}`, ms);
  const told = () => changes.map(({ status }) => status);
  return { store, changes, told, until };
}

/** Takes a token of a bucket that nobody else has. */
function ask(store: RedisStore, bucket = 'a'): Promise<unknown> {
  const call = new BucketCall();
  call.add('take', [rule], [`sluice:limit:{${bucket}}`]);
  return call.send(store, bucket);
}

const rule: LimitRule = {
  id: '',
  name: '',
  policy: '',
  key: { kind: 'all' },
  detail: '',
  max: 1_000_000,
  windowMs: 60_000,
  isShadow: false,
};
