/** WebSockets and event streams outlive a reload, and a drain lets go of them politely: neither is a request that was cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';

const streams: ServerResponse[] = [];
const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write('data: first\n\n');
  streams.push(response);
}).listen(0, '127.0.0.1');
const sockets = new WebSocketServer({ server });
const greeting = Buffer.alloc(70_000, 'g');
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
await once(server, 'listening');
after(() => server.close());
after(() => server.closeAllConnections());

const config = (extra: object[] = []): object => ({
  proxy: { workers: 1, timeout: 500, shutdown: { delay: 0, timeout: 4_000 } },
  upstreams: [{ name: 'live', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }],
  routes: [{ path: '/live/*', upstream: 'live' }, ...extra],
});

test('both live on through a reload and beyond proxy.timeout', async () => {
  const gateway = await startGateway({ config: config() });
  const socket = await openSocket(gateway);
  const events = await openEvents(gateway);
  await gateway.reload(config([{ path: '/new', respond: { status: 204 } }]));
  socket.send('still here');
  const [echo] = (await within(once(socket, 'message'), 'the echo')) as [Buffer];
  assert.equal(echo.toString(), 'still here');
  // Later than the 500 ms that any other exchange may take.
  await new Promise((resolve) => setTimeout(resolve, 800));
  streams.at(-1)?.write('data: second\n\n');
  await events.receives('data: second');
  socket.terminate();
  events.destroy();
  await gateway.stop();
});

test('SIGTERM closes a WebSocket with 1001 and ends an event stream cleanly, and nothing counts as cut', async () => {
  const gateway = await startGateway({ config: config() });
  const socket = await openSocket(gateway);
  const events = await openEvents(gateway);
  const closed = once(socket, 'close') as Promise<[number]>;
  gateway.signal('SIGTERM');
  const [code] = await within(closed, 'the close frame');
  assert.equal(code, 1001);
  // The last chunk: the client sees a complete answer, not a cut one.
  await events.receives('\r\n0\r\n\r\n');
  assert.equal((await gateway.exit).code, 0);
});

test('a WebSocket that is in the middle of a frame gets all of it before the close frame', async () => {
  const gateway = await startGateway({ config: config() });
  const socket = await openSocket(gateway);
  const messages: number[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.length));
  const closed = once(socket, 'close') as Promise<[number]>;
  for (let i = 0; i < 200; i++) socket.send(greeting);
  await within(once(socket, 'message'), 'the first echo');
  gateway.signal('SIGTERM');
  const [code] = await within(closed, 'the close frame');
  assert.equal(code, 1001);
  assert.ok(messages.length > 0 && messages.every((length) => length === greeting.length));
  assert.equal((await gateway.exit).code, 0);
});

async function openSocket(gateway: Gateway): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/live/socket`);
  await within(once(socket, 'open'), 'the tunnel');
  return socket;
}

async function openEvents(gateway: Gateway): Promise<Awaited<ReturnType<typeof rawClient>>> {
  const client = await rawClient(gateway.port);
  client.write('GET /live/events HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.receives('data: first');
  return client;
}
