/** Redis's presence, against real servers: refused, hanging, killed, back, loading, behind sentinels, as a cluster. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { RedisConfig } from '../../../src/contracts/config.ts';
import type { Log } from '../../../src/contracts/log.ts';
import { connectRedis } from '../../../src/state/redis-store.ts';
import { eventually } from '../../support/deadline.ts';
import { freePorts } from '../../support/ports.ts';
import { startRedis } from '../../support/redis.ts';

const noticeMs = 2000;

test('a Redis that answers is up at once, without a change to tell', async (t) => {
  const redis = await startRedis();
  const { store, changes } = await open(t, { url: redis.url });
  assert.equal(store.status, 'up');
  assert.deepEqual(changes, []);
});

test('one that refuses connections starts as away after at most a second, and is noticed within two when it comes', async (t) => {
  const [port = 0] = await freePorts(1);
  const startedAt = performance.now();
  const { store, lines, until } = await open(t, { url: `redis://127.0.0.1:${port}` });
  assert.ok(performance.now() - startedAt < 1500);
  assert.equal(store.status, 'away');
  await startRedis({ port });
  await until('up', noticeMs);
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['Redis is away: each node keeps its limits by itself', 'Redis is back'],
  );
  assert.match(String(lines[0]?.fields['reason']), /ECONNREFUSED|no answer/);
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
  const { lines, changes, until } = await open(t, { url: redis.url });
  redis.hang();
  await until('away', noticeMs);
  // Long enough for connections to be given up and made anew, none of which is answered.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  redis.resume();
  await until('up', noticeMs);
  assert.deepEqual(changes, ['away', 'up']);
  assert.equal(lines.length, 3);
});

test('one that is killed is away at once, and back within two seconds of its restart', async (t) => {
  const redis = await startRedis();
  const { changes, until } = await open(t, { url: redis.url });
  for (let i = 0; i < 2; i++) {
    await redis.kill();
    await until('away', noticeMs);
    await redis.start();
    await until('up', noticeMs);
  }
  assert.deepEqual(changes, ['away', 'up', 'away', 'up']);
});

test('a pause of this process does not make a healthy Redis look late', async (t) => {
  const redis = await startRedis();
  const { changes } = await open(t, { url: redis.url });
  for (let i = 0; i < 3; i++) {
    const until = performance.now() + 1200;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.deepEqual(changes, []);
});

test('a wrong password is away with its reason, and no password gets into the log', async (t) => {
  const redis = await startRedis({ args: ['--requirepass', 'right-secret'] });
  const wrong = await open(t, { url: `redis://:wrong-secret@127.0.0.1:${redis.port}`, onError: 'closed' });
  assert.equal(wrong.store.status, 'away');
  assert.match(JSON.stringify(wrong.lines), /WRONGPASS/);
  const right = await open(t, { url: `redis://:right-secret@127.0.0.1:${redis.port}` });
  assert.equal(right.store.status, 'up');
  await redis.kill();
  await right.until('away', noticeMs);
  assert.doesNotMatch(JSON.stringify([...wrong.lines, ...right.lines]), /secret/);
  assert.match(wrong.lines[0]?.message ?? '', /not ready/);
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
  const { store, until, lines } = await open(t, { cluster: [`127.0.0.1:${redis.port}`] });
  assert.equal(store.status, 'up', JSON.stringify(lines));
  redis.hang();
  await until('away', noticeMs);
  redis.resume();
  await until('up', noticeMs);
});

interface Line {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

async function open(t: TestContext, config: Partial<RedisConfig>) {
  const lines: Line[] = [];
  const changes: string[] = [];
  const say: Log['info'] = (fields, message) => void lines.push({ fields, message });
  const log: Log = { debug: say, info: say, warn: say, error: say, fatal: say };
  const whole = {
    url: 'redis://localhost:6379',
    onError: 'local',
    sentinels: [],
    sentinelName: null,
    cluster: [],
  } as const;
  const store = await connectRedis({ ...whole, ...config }, { log, onChange: (status) => changes.push(status) });
  t.after(() => store.close());
  const until = (status: string, ms: number) =>
    eventually(() => (store.status === status ? true : null), `Redis to be ${status}`, ms);
  return { store, lines, changes, until };
}
