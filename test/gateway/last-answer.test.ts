/** After an answer that says Connection: close nothing more is a request: not answered, not forwarded, not counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
upstream.on('/early', (request) => request.send(response(200, [], 'early')));
const config = {
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [{ path: '/*', upstream: 'api' }],
};

test('a client that leaves in the middle of a body that nobody wants is counted once', async () => {
  const gateway = await startGateway({ config });
  for (const path of ['/early', '/health/live']) {
    const client = await rawClient(gateway.port);
    client.write(`PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc`);
    assert.equal((await client.response())?.header('connection'), 'close');
    client.end();
    await client.closed();
  }
  assert.deepEqual(await countedWith(gateway, 2), ['200', '405']);
});

test('so is one that writes anything behind its last request', async () => {
  const gateway = await startGateway({ config });
  const client = await rawClient(gateway.port);
  client.write('GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nno request\r\n\r\n');
  assert.equal((await client.responsesUntilClosed(2)).length, 1);
  assert.deepEqual(await countedWith(gateway, 1), ['200']);
});

test('a dropped Upgrade ends its connection, since node loses what came right behind it', async () => {
  const gateway = await startGateway({ config });
  const upgrades = ['h2c', 'websocket'].map((token) => `Connection: Upgrade\r\nUpgrade: ${token}\r\n`);
  for (const [i, upgrade] of upgrades.entries()) {
    const client = await rawClient(gateway.port);
    const dropped = `GET /dropped-${i} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`;
    client.write(`GET /before HTTP/1.1\r\nHost: a\r\n\r\n${dropped}GET /behind HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answers = await client.responsesUntilClosed(3);
    assert.deepEqual(
      answers.map((answer) => answer.header('connection')),
      ['keep-alive', 'close'],
    );
  }
  assert.equal(upstream.requestsTo('/behind').length, 0);
});

test('requests that wait while the gateway begins to drain are not sent upstream behind the last answer', async () => {
  const proxy = { shutdown: { delay: 60_000, timeout: 2_000 } };
  const gateway = await startGateway({ config: { ...config, proxy } });
  const held = upstream.arrival('/held');
  upstream.on('/held', () => {});
  const client = await rawClient(gateway.port);
  const waiting = [1, 2, 3].map((i) => `DELETE /waits-${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
  client.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n', ...waiting);
  const first = await held;
  gateway.signal('SIGTERM');
  await gateway.log((line) => String(line['msg']).startsWith('shutting down'));
  await eventually(async () => (await fetch(`${gateway.url}/health/ready`)).status === 503 || null, 'the drain');
  first.send(response(200, [], 'held'));
  // The first began before the drain; the next is told to be the last.
  const answers = await client.responsesUntilClosed(4);
  assert.deepEqual(
    answers.map((answer) => answer.header('connection')),
    ['keep-alive', 'close'],
  );
  assert.equal(upstream.requestsTo('/waits-1').length, 1);
  gateway.signal('SIGTERM');
  assert.equal((await gateway.exit).code, 0);
  assert.equal(upstream.requestsTo('/waits-2').length, 0);
  const begun = gateway.logs.filter((line) => String(line['path']).startsWith('/waits-'));
  assert.deepEqual(
    begun.map((line) => line['path']),
    ['/waits-1'],
  );
  assert.deepEqual(upstream.violations, []);
});

type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** Statuses of all requests, once so many have been counted. What a wrong gateway counts, it has counted by then: reports are in order. */
async function countedWith(gateway: Gateway, count: number): Promise<string[]> {
  const client = await rawClient(gateway.port);
  client.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const text = (await client.response())?.text() ?? '';
  client.destroy();
  const statuses = [...text.matchAll(/^http_requests_total\{.*status="(\d+)"\} (\d+)$/gm)].flatMap((match) =>
    Array<string>(Number(match[2])).fill(match[1] as string),
  );
  assert.equal(statuses.length, count, text.match(/^http_requests_total.*$/gm)?.join('\n'));
  return statuses.sort();
}
