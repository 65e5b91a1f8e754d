/** WebSockets pass as tunnels that open only after the upstream's 101; every other upgrade is an ordinary request. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const handshake = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

const sockets = await startWebSocketServer();
const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { idle: 60_000 } },
    upstreams: [
      { name: 'sockets', url: `http://127.0.0.1:${sockets.port}` },
      { name: 'raw', url: upstream.url },
      { name: 'down', url: 'http://127.0.0.1:1' },
    ],
    routes: [
      { path: '/ws/*', upstream: 'sockets' },
      { path: '/raw/*', upstream: 'raw' },
      { path: '/down', upstream: 'down' },
    ],
  },
});
const [worker] = gateway.workers();

test('messages go to and fro, text and binary, large and small', async () => {
  const client = await open('/ws/echo');
  for (const message of ['hello', '', 'x'.repeat(300_000)]) {
    client.send(message);
    assert.equal((await nextMessage(client)).toString(), message);
  }
  const bytes = Buffer.from([0, 255, 128, 10, 13]);
  client.send(bytes);
  assert.deepEqual(await nextMessage(client), bytes);
  client.close(4001, 'done');
  const [code, reason] = (await within(once(client, 'close'), 'the close')) as [number, Buffer];
  assert.equal(code, 4001);
  assert.equal(reason.toString(), 'done');
});

test('path, query, subprotocol and the fields that a gateway adds reach the upstream', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws/chat?room=1%2F2`, ['chat.v2', 'chat.v1']);
  await within(once(client, 'open'), 'the tunnel');
  assert.equal(client.protocol, 'chat.v2');
  const request = sockets.requests.at(-1);
  assert.equal(request?.url, '/ws/chat?room=1%2F2');
  assert.equal(request.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(typeof request.headers['x-request-id'], 'string');
  assert.equal(request.headers['host'], `127.0.0.1:${sockets.port}`);
  client.terminate();
});

test('nothing is said to the client before the upstream has said 101', async () => {
  upstream.on('/raw/slow', (request) => {
    request.takenOver = true;
  });
  const client = await rawClient(gateway.port);
  client.write(handshake('/raw/slow'));
  const request = await upstream.arrival('/raw/slow');
  assert.match(request.header('connection') ?? '', /upgrade/i);
  assert.equal(request.header('upgrade')?.toLowerCase(), 'websocket');
  assert.equal(request.header('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==');
  for (let i = 0; i < 3; i++) await ask(gateway.port, 'GET /raw/other HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(client.received.length, 0);
  request.send(switching);
  const answer = await client.response();
  assert.equal(answer?.status, 101);
  assert.equal(answer.header('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.notEqual(answer.header('x-request-id'), null);
  client.destroy();
  await request.connection.closed;
});

test('bytes that come right behind either head are not lost', async () => {
  upstream.on('/raw/early', (request) => {
    request.takenOver = true;
    request.send(switching, 'from upstream');
  });
  const client = await rawClient(gateway.port);
  client.write(handshake('/raw/early'), 'from client');
  const { connection } = await upstream.arrival('/raw/early');
  await client.receives('from upstream');
  await within(
    seen(connection.socket, () => connection.bytes.includes('from client')),
    'the early bytes',
  );
  client.destroy();
});

for (const [status, body] of [
  [426, 'upgrade your version'],
  [403, 'not you'],
  [200, 'a page'],
] as const) {
  test(`an upstream that answers ${status} instead is passed on with its body, and no tunnel opens`, async () => {
    const path = `/raw/refuses-${status}`;
    upstream.on(path, (request) => request.send(response(status, [['X-Why', 'because']], body)));
    const client = await rawClient(gateway.port);
    client.write(handshake(path));
    const answer = await client.response();
    assert.equal(answer?.status, status);
    assert.equal(answer.text(), body);
    assert.equal(answer.header('x-why'), 'because');
    // What follows is a request to the gateway, if anything, and this one has no route.
    client.write('GET /internal HTTP/1.1\r\nHost: a\r\n\r\n');
    const next = await client.response();
    if (next !== null) assert.equal(next.status, 404);
    assert.equal(upstream.saw('/internal'), false);
    client.destroy();
  });
}

test('h2c and other tokens are dropped, and the request goes on without them', async () => {
  for (const token of ['h2c', 'TLS/1.0', 'foo']) {
    const answer = await ask(
      gateway.port,
      `GET /raw/token HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${token}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    );
    assert.equal(answer.status, 200);
    const request = await upstream.arrival('/raw/token');
    assert.equal(request.header('upgrade'), null);
    assert.equal(request.header('http2-settings'), null);
    assert.doesNotMatch(request.header('connection') ?? '', /upgrade/i);
  }
});

test('a POST with an Upgrade for another token keeps its body', async () => {
  const client = await rawClient(gateway.port);
  client.write(
    'POST /raw/post HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello',
  );
  assert.equal((await client.response())?.status, 200);
  assert.equal((await (await upstream.arrival('/raw/post')).received).bytes.toString(), 'hello');
  client.write('GET /raw/after-post HTTP/1.1\r\nHost: a\r\n\r\n');
  const next = await client.response();
  if (next !== null) assert.equal(next.status, 200);
  client.destroy();
});

test('a 101 that nobody asked for is an error of the upstream', async () => {
  upstream.on('/raw/unasked', (request) => {
    request.takenOver = true;
    request.send(switching);
  });
  const answer = await ask(gateway.port, 'GET /raw/unasked HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.status, 502);
  assert.equal(answer.json()['code'], 'upstream_protocol_error');
});

test('a 101 to another protocol than WebSocket opens no tunnel', async () => {
  upstream.on('/raw/other-protocol', (request) => {
    request.takenOver = true;
    request.send('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  });
  const client = await rawClient(gateway.port);
  client.write(handshake('/raw/other-protocol'));
  assert.equal((await client.response())?.status, 502);
  client.destroy();
});

test('an upstream that is down is a 502', async () => {
  const answer = await ask(gateway.port, handshake('/down'));
  assert.equal(answer.status, 502);
  assert.equal(answer.json()['code'], 'upstream_unreachable');
});

test('a handshake without a route gets 404', async () => {
  assert.equal((await ask(gateway.port, handshake('/nowhere'))).status, 404);
});

test('a client that ends or resets takes the upstream connection with it', async () => {
  for (const leave of ['end', 'reset', 'destroy'] as const) {
    const path = `/raw/client-${leave}`;
    upstream.on(path, (request) => {
      request.takenOver = true;
      request.send(switching);
    });
    const client = await rawClient(gateway.port);
    client.write(handshake(path));
    assert.equal((await client.response())?.status, 101);
    client[leave]();
    await within((await upstream.arrival(path)).connection.closed, `the upstream's side to close after ${leave}`);
    client.destroy();
  }
});

test('an upstream that ends or resets takes the client connection with it', async () => {
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const path = `/raw/upstream-${leave}`;
    upstream.on(path, (request) => {
      request.takenOver = true;
      request.send(switching);
    });
    const client = await rawClient(gateway.port);
    client.write(handshake(path));
    assert.equal((await client.response())?.status, 101);
    (await upstream.arrival(path)).connection.socket[leave]();
    await client.closed();
    client.destroy();
  }
});

for (const how of ['end', 'reset'] as const) {
  test(`a client that leaves by ${how} before the 101 aborts the handshake upstream`, async () => {
    const path = `/raw/left-by-${how}`;
    upstream.on(path, (request) => {
      request.takenOver = true;
    });
    const client = await rawClient(gateway.port);
    client.write(handshake(path));
    const request = await upstream.arrival(path);
    if (how === 'end') client.end();
    else client.reset();
    await within(request.connection.closed, "the upstream's side to close");
  });
}

test('many tunnels that break at once do the worker no harm', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => open('/ws/echo')));
  const closed = clients.map((client) => {
    client.on('error', () => {});
    return once(client, 'close');
  });
  for (const socket of sockets.server.clients) socket.terminate();
  await within(Promise.all(closed), 'all tunnels to close');
  const again = await open('/ws/echo');
  again.send('alive');
  assert.equal((await nextMessage(again)).toString(), 'alive');
  again.terminate();
  assert.deepEqual(gateway.workers(), [worker]);
});

async function open(path: string): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`);
  await within(once(client, 'open'), `the tunnel to ${path}`);
  return client;
}

async function nextMessage(client: WebSocket): Promise<Buffer> {
  const [data] = (await within(once(client, 'message'), 'a message')) as [RawData, boolean];
  return data as Buffer;
}

/** Resolves once the condition holds, looking at each piece of data that comes. */
function seen(socket: NodeJS.ReadableStream, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (holds()) resolve();
    };
    socket.on('data', look);
    look();
  });
}

async function startWebSocketServer() {
  const http = createServer();
  const requests: { url?: string | undefined; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket, request) => {
    requests.push(request);
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  after(() => {
    for (const socket of server.clients) socket.terminate();
    http.close();
  });
  return { server, requests, port: (http.address() as AddressInfo).port };
}
