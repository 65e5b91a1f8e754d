/** The thread of the health checks: there while something is to be asked, and in step with the config. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import type { Log } from '../../../src/contracts/log.ts';
import type { CheckAnswer } from '../../../supervisor/check-thread.ts';
import { HealthChecks } from '../../../supervisor/health-checks.ts';
import { eventually, within } from '../../support/deadline.ts';

/** A thread has to load its modules first. */
const slowMs = 30_000;
const door = { addresses: { allowedHosts: [], blockedIPs: [] }, dnsServers: [] };

test('answers come while targets are followed, of those alone; a thread that is not needed ends and comes back', async (t) => {
  const { url, checks, answers, complaints } = await setUp(t);

  checks.follow([upstream('api', url, 'http://nobody.invalid')], door);
  await eventually(() => (answers.length >= 6 ? true : null), 'answers', slowMs);
  assert.deepEqual(new Set(answers.map((answer) => answer.url)), new Set([url, 'http://nobody.invalid']));
  for (const { url: asked, problem } of answers) assert.equal(problem === null, asked === url, `${asked}: ${problem}`);

  checks.follow([], door);
  checks.follow([upstream('other', url)], { ...door, addresses: { allowedHosts: [], blockedIPs: ['127.0.0.0/8'] } });
  const blocked = await eventually(
    () => answers.find((answer) => answer.upstream === 'other') ?? null,
    'another answer',
    slowMs,
  );
  assert.equal(blocked.problem, 'SLUICE_ADDRESS_BLOCKED');
  assert.deepEqual(complaints, []);
});

test('a thread that dies is told once, and another takes its place with the same work', async (t) => {
  const { url, checks, answers, complaints } = await setUp(t);

  const born = once(process, 'worker') as Promise<[Worker]>;
  checks.follow([upstream('api', url)], door);
  const [thread] = await born;
  await eventually(() => (answers.length > 0 ? true : null), 'answers', slowMs);
  const reborn = once(process, 'worker') as Promise<[Worker]>;
  await thread.terminate();
  assert.deepEqual(complaints, ['the thread of the health checks died: another takes its place']);
  await within(reborn, 'another thread', slowMs);
  // Of the dead one nothing more can come.
  answers.length = 0;
  await eventually(() => (answers.length > 1 ? true : null), 'answers of the other thread', slowMs);
  assert.deepEqual(complaints.length, 1);
});

/** A server that is well, and checks that tell what they find. */
async function setUp(t: TestContext) {
  const server = createServer((_, answer) => answer.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answers: CheckAnswer[] = [];
  const complaints: string[] = [];
  const log = { error: (_: object, line: string) => complaints.push(line) } as unknown as Log;
  const checks = new HealthChecks(log, (answer) => answers.push(answer));
  t.after(() => checks.follow([], door));
  return { url, checks, answers, complaints };
}

function upstream(name: string, ...urls: string[]): UpstreamConfig {
  const healthCheck = { path: '/', intervalMs: 100, timeoutMs: 1_000, healthy: 1, unhealthy: 1 };
  const targets = urls.map((url) => ({ url, weight: 1 }));
  return { name, targets, tls: null, healthCheck } as unknown as UpstreamConfig;
}
