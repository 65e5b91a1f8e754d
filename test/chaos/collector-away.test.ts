/** A collector that is away, hangs or refuses costs spans, which are counted, and nothing else: one warning, and no waiting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { ask, rawClient } from '../support/raw-client.ts';

const collector = await otlpReceiver();
const config = {
  routes: [
    { path: '/*', respond: { status: 204 } },
    { path: '/end', respond: { status: 200, body: 'the end' } },
  ],
  telemetry: {
    otlp: { url: collector.url, sampleRatio: 1, metrics: false, logs: false, interval: 20, timeout: 2_000 },
  },
};
const gateway = await startGateway({ config });

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const warnings = (of: Gateway): number =>
  of.logs.filter(({ msg }) => String(msg).startsWith('the collector takes no')).length;
const arrives = (path: string): Promise<unknown> =>
  eventually(
    () => collector.spans.find(({ attributes }) => attributes['url.path'] === path) ?? null,
    `the span of ${path}`,
  );
const dropped = (): Promise<number> =>
  metric(gateway.adminUrl, 'telemetry_records_total', { signal: 'traces', outcome: 'dropped' });
/** A span for each of 250 requests that come behind one another. */
async function flood(): Promise<void> {
  const client = await rawClient(gateway.port);
  client.write(get('/flood').repeat(249), get('/end'));
  await client.receives('the end');
  client.destroy();
}

test('killed and back: what was waiting arrives, after one warning and one line that it works again', async () => {
  await ask(gateway.port, get('/before'));
  await arrives('/before');
  await collector.close();
  await ask(gateway.port, get('/while-away'));
  const line = await gateway.log(({ msg }) => String(msg).startsWith('the collector takes no traces'), 'the warning');
  assert.equal(line['level'], 40);
  assert.match(String(line['reason']), /ECONN/);
  assert.equal((await ask(gateway.port, get('/meanwhile'))).status, 204);
  await collector.open();
  await arrives('/while-away');
  await arrives('/meanwhile');
  await gateway.log(({ msg }) => msg === 'the collector takes traces again', 'the good news');
  assert.equal(warnings(gateway), 1);
  assert.equal(await dropped(), 0);
});

test('a collector that answers 500 does not want them: they are dropped and counted, with one warning', async () => {
  collector.answer = 500;
  await ask(gateway.port, get('/refused'));
  await gateway.log(({ reason }) => reason === 'status 500', 'the warning');
  await ask(gateway.port, get('/refused'));
  await eventually(async () => ((await dropped()) >= 2 ? true : null), 'two dropped spans');
  collector.answer = 200;
  await ask(gateway.port, get('/welcome'));
  await arrives('/welcome');
  assert.equal(warnings(gateway), 2);
  assert.equal(collector.spans.filter(({ attributes }) => attributes['url.path'] === '/refused').length, 0);
});

test('one that hangs holds up nobody: the queue fills to its bound, the rest is dropped, and later ones arrive', async () => {
  collector.answer = 'nothing';
  const before = await dropped();
  // More than the queue and the batch that is on its way can hold.
  for (let i = 0; i < 20; i++) await flood();
  await eventually(async () => ((await dropped()) > before ? true : null), 'dropped spans');
  assert.equal((await ask(gateway.port, get('/hung'))).status, 204);
  await eventually(() => (warnings(gateway) === 3 ? true : null), 'the third warning');
  collector.answer = 200;
  await eventually(
    async () => {
      const path = '/after-hang';
      await ask(gateway.port, get(path));
      return collector.spans.some(({ attributes }) => attributes['url.path'] === path) ? true : null;
    },
    'spans again',
    60_000,
  );
});

test('with a collector that hangs the gateway still stops in time, cleanly', async () => {
  collector.answer = 'nothing';
  await ask(gateway.port, get('/never-sent'));
  gateway.signal('SIGTERM');
  assert.deepEqual(await within(gateway.exit, 'the end'), { code: 0, signal: null });
});
