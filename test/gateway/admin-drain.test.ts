/** Draining a target through the admin listener: no new requests, and nothing else changes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { askAdmin } from '../support/admin.ts';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

/** Answers with its name; a request to /hold waits. */
async function origin(name: string) {
  const held: ServerResponse[] = [];
  const server = createServer(({ url }, response) => {
    if (url === '/hold') held.push(response);
    else response.end(name);
  }).listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  after(() => server.close(() => {}).closeAllConnections());
  await new Promise((resolve) => server.once('listening', resolve));
  return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

const a = await origin('a');
const b = await origin('b');
const config = (more: object = {}) => ({
  upstreams: [
    { name: 'pair', targets: [{ url: `http://${a.target}` }, { url: `http://${b.target}` }], balance: 'round-robin' },
    { name: 'single', url: `http://${a.target}` },
  ],
  routes: [
    { path: '/*', upstream: 'pair' },
    { path: '/single', upstream: 'single' },
  ],
  ...more,
});
const gateway = await startGateway({ config: config(), workers: 2 });
const drain = (upstream: string, target: string, what = 'drain') =>
  askAdmin(gateway, `POST /upstreams/${upstream}/targets/${encodeURIComponent(target)}/${what}`);

test('a drained target gets no new requests, those in flight end, and the end of it brings it back', async () => {
  const slow = fetch(`${gateway.url}/hold`);
  await eventually(() => (a.held.length + b.held.length === 1 ? true : null), 'the held request');
  const [busy, other] = a.held.length === 1 ? [a, 'b'] : [b, 'a'];
  const report = await reportOf('pair', busy.target);
  assert.deepEqual([report.status, report.drained, report.inFlight], ['UP', false, 1]);
  assert.deepEqual(report.connections, { busy: 1, idle: 0, waiting: 0, webSockets: 0 });

  assert.deepEqual((await drain('pair', busy.target)).body, { upstream: 'pair', target: busy.target, drained: true });
  await eventually(async () => {
    const names = await Promise.all(Array.from({ length: 20 }, answerOf));
    return names.every((name) => name === other) ? true : null;
  }, 'requests to go to the other');
  const drained = await reportOf('pair', busy.target);
  assert.deepEqual([drained.status, drained.fault, drained.drained], ['DOWN', 'drained', true]);
  assert.equal(await metric(gateway.adminUrl, 'upstream_target_healthy', { target: busy.target, upstream: 'pair' }), 1);
  busy.held[0]?.end('held to the end');
  assert.equal(await (await slow).text(), 'held to the end');
  const emptied = await reportOf('pair', busy.target);
  assert.deepEqual([emptied.inFlight, emptied.connections.busy], [0, 0]);

  assert.equal((await drain('pair', busy.target, 'undrain')).status, 200);
  await eventually(async () => ((await answerOf()) === other ? null : true), 'requests to come back');
});

test('it stays drained through a reload that keeps it', async () => {
  await drain('pair', a.target);
  assert.equal(await gateway.reload(config({ overload: { maxConcurrent: 77 } })), 'accepted');
  assert.equal((await reportOf('pair', a.target)).fault, 'drained');
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, answerOf))), new Set(['b']));
  await drain('pair', a.target, 'undrain');
});

test('a worker that is born later knows of it', async () => {
  await drain('pair', a.target);
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the new workers');
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, answerOf))), new Set(['b']));
  await drain('pair', a.target, 'undrain');
});

test('the last target that gets requests is drained only by force', async () => {
  const refused = await drain('single', a.target);
  assert.deepEqual([refused.status, refused.body.code], [409, 'last_target']);
  assert.equal((await fetch(`${gateway.url}/single`)).status, 200);
  assert.equal((await drain('single', a.target, 'drain?force=true')).status, 200);
  await eventually(async () => ((await fetch(`${gateway.url}/single`)).status === 503 ? true : null), '503');
  assert.equal((await drain('single', a.target, 'undrain')).status, 200);
  await eventually(async () => ((await fetch(`${gateway.url}/single`)).status === 200 ? true : null), '200');
});

test('a WebSocket stays open at a drained target, and is counted until it ends', async () => {
  const socket = new WebSocket(`${gateway.url.replace('http:', 'ws:')}/single`);
  await within(once(socket, 'open'), 'the WebSocket');
  assert.equal((await reportOf('single', a.target)).connections.webSockets, 1);
  await drain('single', a.target, 'drain?force=true');
  await eventually(async () => ((await fetch(`${gateway.url}/single`)).status === 503 ? true : null), '503');
  socket.send('still here');
  const [echo] = (await within(once(socket, 'message'), 'the echo')) as [Buffer];
  assert.equal(echo.toString(), 'still here');
  const { inFlight, connections } = await reportOf('single', a.target);
  assert.deepEqual([inFlight, connections.webSockets], [0, 1]);

  socket.close();
  const left = async () => (await reportOf('single', a.target)).connections.webSockets;
  await eventually(async () => ((await left()) === 0 ? true : null), 'the end of the WebSocket');
  await drain('single', a.target, 'undrain');
});

test('an upstream or a target that is not there is 404', async () => {
  for (const [upstream, target] of [
    ['nobody', a.target],
    ['pair', '127.0.0.1:1'],
    ['pair', 'toString'],
  ] as const) {
    const { status, body } = await drain(upstream, target);
    assert.deepEqual([status, body.code], [404, 'not_found']);
  }
});

async function answerOf(): Promise<string> {
  // On a connection of its own, which any worker may take.
  return (await fetch(`${gateway.url}/x`, { headers: { connection: 'close' } })).text();
}

async function reportOf(upstream: string, target: string) {
  const { body } = await askAdmin(gateway, 'GET /upstreams');
  const found = body.upstreams.find(({ name }: { name: string }) => name === upstream);
  return found.targets.find((each: { target: string }) => each.target === target);
}
