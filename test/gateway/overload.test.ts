/** Under pressure requests are turned away by the priority of their route: low from 0.8 on, normal from 0.9, all at 1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, within } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawClient, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
upstream.on('/high/held', () => {});

const config = (overload: object): object => ({
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [
    { path: '/low/*', upstream: 'api', priority: 'low', cors: { origins: ['*'] } },
    { path: '/normal/*', upstream: 'api' },
    { path: '/high/*', upstream: 'api', priority: 'high' },
  ],
  overload,
});

test('up to 8 of 10 requests in flight may be low, 9 normal, 10 high', async () => {
  const gateway = await startGateway({ config: config({ maxConcurrent: 10 }) });
  const held = await hold(gateway, 7);
  assert.deepEqual(await statuses(gateway), { low: 200, normal: 200, high: 200 });
  held.push(...(await hold(gateway, 1)));
  assert.deepEqual(await statuses(gateway), { low: 503, normal: 200, high: 200 });
  held.push(...(await hold(gateway, 1)));
  assert.deepEqual(await statuses(gateway), { low: 503, normal: 503, high: 200 });
  held.push(...(await hold(gateway, 1)));
  assert.deepEqual(await statuses(gateway), { low: 503, normal: 503, high: 503 });
  assert.equal(await counted(gateway, 'shed_requests_total', { priority: 'low' }, 3), 3);
  assert.equal(await metric(gateway.adminUrl, 'shed_requests_total', { priority: 'normal' }), 2);
  assert.equal(await metric(gateway.adminUrl, 'shed_requests_total', { priority: 'high' }), 1);
  for (const client of held) client.destroy();
  await eventually(async () => ((await get(gateway, '/low/x')).status === 200 ? true : null), 'low routes to be open');
});

test('the refusal is 503 overloaded with Retry-After, on a connection that lives on, and readable for a page', async () => {
  const gateway = await startGateway({ config: config({ maxConcurrent: 1 }) });
  await hold(gateway, 1);
  const client = await rawClient(gateway.port);
  for (let i = 0; i < 2; i++) {
    client.write('GET /low/refused HTTP/1.1\r\nHost: a\r\nOrigin: http://page.test\r\n\r\n');
    const refused = (await client.response()) ?? assert.fail('closed');
    assert.equal(refused.status, 503);
    assert.equal(refused.json()['code'], 'overloaded');
    assert.ok(Number(refused.header('retry-after')) >= 1);
    assert.equal(refused.header('access-control-allow-origin'), '*');
  }
  assert.equal(upstream.requestsTo('/low/refused').length, 0);
});

test('health, metrics and CORS preflights are answered when nothing else is', async () => {
  const gateway = await startGateway({ config: config({ maxConcurrent: 1 }) });
  await hold(gateway, 1);
  assert.equal((await get(gateway, '/high/x')).status, 503);
  for (const path of ['/health/live', '/health/ready', '/health/deep', '/metrics']) {
    assert.equal((await get(gateway, path)).status, 200, path);
  }
  const preflight = await ask(
    gateway.port,
    'OPTIONS /low/x HTTP/1.1\r\nHost: a\r\nOrigin: http://page.test\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n\r\n',
  );
  assert.equal(preflight.status, 204);
});

test('who is turned away is not asked for credentials first', async () => {
  const gateway = await startGateway({
    config: {
      ...config({ maxConcurrent: 1 }),
      security: { auth: { type: 'apiKey', keys: [{ key: 'a'.repeat(64), name: 'A' }] } },
      routes: [
        { path: '/high/*', upstream: 'api', priority: 'high' },
        { path: '/locked', upstream: 'api', auth: 'required' },
      ],
    },
  });
  assert.equal((await get(gateway, '/locked')).status, 401);
  await hold(gateway, 1);
  assert.equal((await get(gateway, '/locked')).status, 503);
});

test('WebSockets and event streams are not in flight', async () => {
  const server = createServer((_request, answer) => {
    answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
    answer.write('data: first\n\n');
  }).listen(0, '127.0.0.1');
  new WebSocketServer({ server });
  await once(server, 'listening');
  after(() => server.close());
  after(() => server.closeAllConnections());
  const gateway = await startGateway({
    config: {
      upstreams: [{ name: 'live', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }],
      routes: [
        { path: '/live/*', upstream: 'live' },
        { path: '/low', priority: 'low', respond: { status: 204 } },
      ],
      overload: { maxConcurrent: 2 },
    },
  });
  for (let i = 0; i < 3; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/live/socket`);
    await within(once(socket, 'open'), 'the WebSocket');
    const events = await rawClient(gateway.port);
    events.write('GET /live/events HTTP/1.1\r\nHost: a\r\n\r\n');
    await events.receives('data: first');
  }
  assert.equal((await get(gateway, '/low')).status, 204);
});

test('from 0.9 on a tenth of the access log is written, and each line says so', async () => {
  const gateway = await startGateway({ config: config({ maxConcurrent: 10 }) });
  await get(gateway, '/low/before');
  const before = await gateway.log(({ path }) => path === '/low/before', 'the line before');
  assert.equal(before['sampleRate'], 1);
  await hold(gateway, 9);
  const client = await rawClient(gateway.port);
  for (let i = 0; i < 300; i++) {
    client.write('GET /low/many HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.status, 503);
  }
  assert.equal(await counted(gateway, 'shed_requests_total', { priority: 'low' }, 300), 300);
  const lines = gateway.logs.filter(({ path }) => path === '/low/many');
  // 300 draws of one in ten: fewer than 2 or more than 100 come about once in 10^12 runs.
  assert.ok(lines.length >= 2 && lines.length <= 100, `${lines.length} lines`);
  for (const line of lines) assert.deepEqual([line['sampleRate'], line['code']], [0.1, 'overloaded']);
});

test('a change of level is a line in the log, with its reasons', async () => {
  const gateway = await startGateway({ config: config({ maxConcurrent: 10 }) });
  const held = await hold(gateway, 8);
  const risen = await gateway.log(({ sheds }) => sheds === 'low', 'the level low');
  assert.deepEqual([risen['level'], risen['pressure'], risen['concurrency'], risen['worker']], [40, 0.8, 0.8, '1']);
  for (const client of held) client.destroy();
  const over = await gateway.log(({ msg }) => msg === 'overload is over', 'the end');
  assert.deepEqual([over['level'], over['sheds']], [30, 'nobody']);
});

test('memory is a cause of its own: a worker that may hold next to nothing serves nobody, and stays alive', async () => {
  const gateway = await startGateway({ config: config({ maxMemory: 0.00001 }) });
  await eventually(
    async () => ((await get(gateway, '/high/x')).status === 503 ? true : null),
    'the pressure of memory',
  );
  assert.equal((await get(gateway, '/health/ready')).status, 200);
  const line = await gateway.log(({ sheds }) => sheds === 'all', 'the level');
  assert.ok(Number(line['memory']) > 1, JSON.stringify(line));
  assert.equal(await gateway.reload(config({})), 'accepted');
  await eventually(async () => ((await get(gateway, '/low/x')).status === 200 ? true : null), 'low routes to be open');
});

test('an event loop that is late again and again is a cause of its own', async () => {
  const gateway = await startGateway({ config: config({ maxEventLoopDelay: 1 }) });
  const load = startLoad(`${gateway.url}/low/busy`, { persistent: 40, fresh: 10 });
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'shed_requests_total', { priority: 'low' })) > 0 ? true : null),
    'low requests to be shed',
    60_000,
  );
  await load.stop();
  const line = await gateway.log(({ sheds }) => sheds !== undefined && sheds !== 'nobody', 'the level');
  assert.ok(Number(line['event_loop']) >= 0.8, JSON.stringify(line));
  await eventually(async () => ((await get(gateway, '/low/x')).status === 200 ? true : null), 'low routes to be open');
});

/** So many requests that wait for the upstream's answer. */
async function hold(gateway: Gateway, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await rawClient(gateway.port);
    client.write('GET /high/held HTTP/1.1\r\nHost: a\r\n\r\n');
    await upstream.arrival('/high/held');
    clients.push(client);
  }
  return clients;
}

async function statuses(gateway: Gateway): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const priority of ['low', 'normal', 'high']) {
    const { status } = await get(gateway, `/${priority}/asked`);
    found[priority] = status;
  }
  return found;
}

function get(gateway: Gateway, path: string): Promise<RawResponse> {
  return ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}

/** Waits for a counter, which is up to a second old. */
function counted(gateway: Gateway, name: string, labels: Record<string, string>, count: number): Promise<number> {
  return eventually(async () => {
    const value = await metric(gateway.adminUrl, name, labels);
    return value >= count ? value : null;
  }, `${name} to reach ${count}`);
}
