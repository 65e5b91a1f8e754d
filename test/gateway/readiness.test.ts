/** Readiness, state by state, as both listeners answer it: from a worker that has not come up yet to the drain. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { isStopped } from '../support/processes.ts';
import { copyProgram } from '../support/program-copy.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';
import { startRedis } from '../support/redis.ts';

const redis = await startRedis();
const ill = new Set<string>();
const upstreams = await Promise.all(
  ['one', 'two'].map(async (name) => {
    const upstream = await recordingUpstream();
    upstream.on('/healthz', (request) => request.send(response(ill.has(name) ? 503 : 200, [], '')));
    return { name, url: upstream.url, healthCheck: { interval: 100, healthy: 1, unhealthy: 1 } };
  }),
);
const config = (rateLimit: object): object => ({
  proxy: { shutdown: { delay: 60_000, timeout: 1_000 } },
  rateLimit,
  upstreams,
  routes: [
    { path: '/one', upstream: 'one' },
    { path: '/two', upstream: 'two' },
  ],
});
const withRedis = (onError: string): object => config({ backend: 'redis', redis: { url: redis.url, onError } });

// A worker that stops when it has loaded its code, and so never takes up a config.
const copy = copyProgram();
const takeBack = copy.append('workers/main.ts', "process.kill(process.pid, 'SIGSTOP');");
const gateway = await startGateway({ config: withRedis('local'), program: copy.program, waitFor: 'no' });
const [both, admin] = [[gateway.url, gateway.adminUrl], [gateway.adminUrl]];

interface State {
  readonly when: string;
  readonly begin: () => unknown;
  readonly status: 200 | 503;
  readonly checks: Readonly<Record<string, string>>;
  /** = both */
  readonly on?: readonly string[];
}

const up = { config: 'UP', upstreams: 'UP', redis: 'UP' };
const states: readonly State[] = [
  {
    when: 'no worker has taken up the first config',
    begin: () => {},
    status: 503,
    checks: { ...up, config: 'DOWN' },
    // Nobody listens on the other port yet.
    on: admin,
  },
  {
    when: 'it is in force on all workers',
    begin: async () => {
      // Before that it would go on unheard, and then stop.
      const worker = await eventually(() => gateway.workers().find(isStopped) ?? null, 'the worker to stop', 60_000);
      takeBack();
      process.kill(worker, 'SIGCONT');
    },
    status: 200,
    checks: up,
  },
  {
    when: 'one of two upstreams has no usable target',
    begin: () => ill.add('one'),
    status: 200,
    checks: { ...up, upstreams: 'DEGRADED' },
  },
  {
    when: 'no upstream has one',
    begin: () => ill.add('two'),
    status: 503,
    checks: { ...up, upstreams: 'DOWN' },
  },
  { when: 'they are well again', begin: () => ill.clear(), status: 200, checks: up },
  {
    when: 'Redis is away, onError: local',
    begin: () => redis.kill(),
    status: 200,
    checks: { ...up, redis: 'DEGRADED' },
  },
  {
    when: 'Redis is away, onError: open',
    begin: () => gateway.reload(withRedis('open')),
    status: 200,
    checks: { ...up, redis: 'DEGRADED' },
  },
  {
    when: 'Redis is away, onError: closed',
    begin: () => gateway.reload(withRedis('closed')),
    status: 503,
    checks: { ...up, redis: 'DOWN' },
  },
  { when: 'Redis is back', begin: () => redis.start(), status: 200, checks: up },
  {
    when: 'Redis is not used',
    begin: () => gateway.reload(config({})),
    status: 200,
    checks: { config: 'UP', upstreams: 'UP' },
  },
  {
    when: 'the gateway drains, and still accepts',
    begin: () => gateway.signal('SIGTERM'),
    status: 503,
    checks: { config: 'UP', upstreams: 'UP', drain: 'DOWN' },
  },
];

for (const { when, begin, status, checks, on = both } of states) {
  test(`${status} when ${when}`, async () => {
    await begin();
    for (const url of on) {
      let seen: unknown;
      await eventually(
        async () => {
          const ready = await fetch(`${url}/health/ready`).catch(() => null);
          if (ready === null) return null;
          seen = [ready.status, await ready.json()];
          const expected = [status, { status: status === 200 ? 'UP' : 'DOWN', checks }];
          return JSON.stringify(seen) === JSON.stringify(expected) ? true : null;
        },
        `readiness of ${url}`,
        30_000,
      ).catch((error: Error) => assert.fail(`${error.message}: ${JSON.stringify(seen)}`));
      const live = await fetch(`${url}/health/live`);
      assert.deepEqual([live.status, ((await live.json()) as { status: string }).status], [200, 'UP']);
      const deep = await fetch(`${url}/health/deep`);
      assert.deepEqual([deep.status, ((await deep.json()) as { checks: object }).checks], [status, checks]);
    }
  });
}

test('it ends when it is told a second time', async () => {
  gateway.signal('SIGTERM');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});
