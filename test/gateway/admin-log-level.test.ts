/** The level of the log, changed while the gateway runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { eventually } from '../support/deadline.ts';
import { type LogLine, startGateway } from '../support/gateway.ts';

const config = (level: string) => ({ logging: { level }, routes: [{ path: '/answer', respond: { status: 204 } }] });
const gateway = await startGateway({ config: config('warn'), workers: 2 });
const set = (body: object) =>
  askAdmin(gateway, 'POST /log-level', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('all processes log at the level that is asked for, until a reload brings the config’s back', async () => {
  assert.deepEqual((await askAdmin(gateway, 'GET /log-level')).body, {
    level: 'warn',
    configured: 'warn',
    until: null,
  });
  assert.deepEqual((await set({ level: 'info' })).body, { level: 'info', configured: 'warn', until: null });
  assert.deepEqual(await workersThatLog(), ['1', '2']);
  assert.equal(await gateway.reload(config('error')), 'accepted');
  assert.deepEqual((await askAdmin(gateway, 'GET /log-level')).body, {
    level: 'error',
    configured: 'error',
    until: null,
  });
});

test('with a duration it ends by itself', async () => {
  const { body } = await set({ level: 'debug', for: '200ms' });
  assert.ok(Date.parse(body.until) > 0);
  await eventually(async () => {
    const { level, until } = (await askAdmin(gateway, 'GET /log-level')).body;
    return level === 'error' && until === null ? true : null;
  }, 'the config’s level');
});

test('a worker that is born later logs at it too, and null ends it', async () => {
  await set({ level: 'info' });
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the new workers');
  assert.deepEqual(await workersThatLog(), ['1', '2']);
  assert.equal((await set({ level: null })).body.level, 'error');
});

test('what is no level is 400', async () => {
  assert.equal((await set({ level: 'loud' })).status, 400);
  assert.equal((await set({})).status, 400);
  assert.equal((await set({ level: 'info', for: -1 })).status, 400);
});

/** On a connection of its own, which any worker may take. */
const alone = { headers: { connection: 'close' } };

/** Whose access log lines come, of requests made from now on. */
async function workersThatLog(): Promise<string[]> {
  const seen = new Set<string>();
  await eventually(async () => {
    const { length } = gateway.logs;
    await Promise.all(Array.from({ length: 24 }, () => fetch(`${gateway.url}/answer`, alone)));
    const lines = gateway.logs.slice(length).filter((line: LogLine) => line['route'] === '/answer');
    for (const { worker } of lines) seen.add(String(worker));
    return seen.size === 2 ? true : null;
  }, 'lines of both workers');
  return [...seen].sort();
}
