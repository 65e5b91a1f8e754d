/** HTTPS on the port: what works over plain HTTP works over it, and upstreams hear that it was HTTPS. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { createAuthority } from '../support/certificates.ts';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';
import { askSecurely, secureClient } from '../support/secure-client.ts';

const idleMs = 1_500;

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.test'] });
const ca = readFileSync(authority.ca, 'utf8');
const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: {
      tls: { certificates: [certificate] },
      timeouts: { idle: idleMs, headers: 1_000 },
      trustedProxies: ['127.0.0.2'],
      maxBodySize: '64mb',
    },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/small', upstream: 'api', maxBodySize: 10 },
      { path: '/own', respond: { status: 200, body: 'x'.repeat(3_000_000) } },
      { path: '/cors', respond: { status: 204 }, cors: { origins: ['https://app.example.com'] } },
    ],
  },
});
const { port } = gateway;
const [worker] = gateway.workers();

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: gateway.test\r\n${fields}\r\n`;

test('a client that checks certificates is answered, and speaks HTTP/1.1 over TLS 1.3', async () => {
  const client = await secureClient(port, { ca, servername: 'gateway.test', ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(client.socket.authorized, true);
  assert.equal(client.socket.alpnProtocol, 'http/1.1');
  assert.equal(client.socket.getProtocol(), 'TLSv1.3');
  client.write(get('/checked'));
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('TLS 1.2 and clients without ALPN and SNI are served as well', async () => {
  const answer = await askSecurely(port, get('/old'), { maxVersion: 'TLSv1.2', ALPNProtocols: [], servername: '' });
  assert.equal(answer.status, 200);
});

test('upstreams hear of https and its port', async () => {
  await askSecurely(port, get('/scheme'));
  const request = await upstream.arrival('/scheme');
  assert.equal(request.header('x-forwarded-proto'), 'https');
  assert.equal(request.header('x-forwarded-port'), '443');
  await askSecurely(port, `GET /scheme HTTP/1.1\r\nHost: gateway.test:8443\r\n\r\n`);
  assert.equal((await upstream.arrival('/scheme')).header('x-forwarded-port'), '8443');
});

test('what a trusted proxy says of its own client stands', async () => {
  const fields = 'X-Forwarded-Proto: http\r\nX-Forwarded-For: 203.0.113.7\r\n';
  await askSecurely(port, get('/behind', fields), { localAddress: '127.0.0.2' });
  const request = await upstream.arrival('/behind');
  assert.equal(request.header('x-forwarded-proto'), 'http');
  assert.equal(request.header('x-forwarded-for'), '203.0.113.7, 127.0.0.2');
});

test('a target in absolute form may name https', async () => {
  const answer = await askSecurely(port, 'GET https://gateway.test/absolute HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  assert.equal(answer.status, 200);
  assert.equal((await upstream.arrival('/absolute')).target, '/absolute');
});

test('health, metrics and CORS answer', async () => {
  for (const path of ['/health/live', '/health/ready', '/metrics']) {
    assert.equal((await askSecurely(port, get(path))).status, 200, path);
  }
  const answer = await askSecurely(port, get('/cors', 'Origin: https://app.example.com\r\n'));
  assert.equal(answer.header('access-control-allow-origin'), 'https://app.example.com');
});

test('requests behind one another are answered in their order, one upstream request at a time', async () => {
  const client = await secureClient(port);
  client.write(get('/p/1') + get('/p/2') + get('/p/3'));
  for (let i = 1; i <= 3; i++) {
    const request = await upstream.arrival(`/p/${i}`);
    if (i < 3) assert.deepEqual(upstream.requestsTo(`/p/${i + 1}`), []);
    assert.ok(request);
    assert.equal((await client.response())?.status, 200);
  }
  client.destroy();
});

test('a connection stays open between requests, and is closed after timeouts.idle', async () => {
  const client = await secureClient(port);
  for (let i = 0; i < 3; i++) {
    client.write(get('/kept'));
    assert.equal((await client.response())?.header('connection'), 'keep-alive');
  }
  assert.equal(await client.response(), null);
});

test('large bodies pass in both directions', async () => {
  const body = Buffer.alloc(5_000_000, 'abcdefgh');
  upstream.on('/large', async (request) => {
    const { bytes } = await request.received;
    request.send(response(200));
    assert.equal(bytes.length, body.length);
  });
  const client = await secureClient(port);
  client.write(`POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`, body);
  assert.equal((await client.response('POST', 60_000))?.status, 200);
  client.write(get('/own'));
  assert.equal((await client.response('GET', 60_000))?.body.length, 3_000_000);
  client.destroy();
});

test('a slow reader holds up the upstream instead of filling memory, and is given up after timeouts.idle', async () => {
  const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  upstream.on('/unread', (request) => {
    const { socket } = request.connection;
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const push = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', push);
    push();
  });
  const client = await secureClient(port);
  client.write(get('/unread'));
  client.socket.pause();
  const { connection } = await upstream.arrival('/unread');
  await within(connection.closed, 'the upstream to be let go');
  assert.ok(connection.socket.bytesWritten < 30_000_000, `${connection.socket.bytesWritten} bytes were taken`);
  client.destroy();
});

test('a refused client that sends on still gets to read why', async () => {
  const client = await secureClient(port);
  client.write('POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n', Buffer.alloc(5_000_000, 'x'));
  assert.equal((await client.response())?.status, 413);
  client.destroy();
});

test('an answer that ends with its connection is closed; one that was cut is reset', async () => {
  // For HTTP/1.0 there is no other end than the connection's.
  const ask = async (path: string): Promise<string | null> => {
    const client = await secureClient(port);
    client.write(`GET ${path} HTTP/1.0\r\nHost: a\r\n\r\n`);
    await client.receives('part');
    return await client.closed();
  };
  upstream.on('/whole', (request) =>
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n\r\n'),
  );
  upstream.on('/cut', (request) => {
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
    setImmediate(() => request.connection.socket.destroy());
  });
  assert.equal(await ask('/whole'), 'end');
  assert.equal(await ask('/cut'), 'reset');
});

test('a client that leaves aborts its upstream request', async () => {
  upstream.on('/left', () => {});
  const client = await secureClient(port);
  client.write(get('/left'));
  const request = await upstream.arrival('/left');
  client.destroy();
  await within(request.connection.closed, 'the upstream request to be aborted');
});

test('half a head and half a body get 408', async () => {
  for (const half of ['GET /half HTTP/1.1\r\nHo', 'POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf']) {
    const client = await secureClient(port);
    client.write(half);
    const answer = await client.response();
    assert.equal(answer?.status, 408);
    assert.equal(answer.json()['code'], 'request_timeout');
    await client.closed();
  }
});

test('bytes that are no HTTP get 400, ambiguous framing is refused', async () => {
  for (const bad of ['\u0000\u0001\r\n\r\n', get('/x', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n')]) {
    assert.equal((await askSecurely(port, bad)).status, 400);
  }
});

test('WebSockets open, carry messages and close', async () => {
  upstream.on('/ws', (request) => {
    request.takenOver = true;
    const accept = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    request.send(`${accept}Sec-WebSocket-Accept: ${acceptOf(request.header('sec-websocket-key') ?? '')}\r\n\r\n`);
    request.send(Buffer.from([0x81, 2]), 'hi');
  });
  const socket = new WebSocket(`wss://gateway.test:${port}/ws`, {
    ca,
    lookup: (_: string, __: object, done: (error: null, found: object[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }]),
  } as object);
  const [message] = (await within(once(socket, 'message'), 'a message')) as [Buffer];
  assert.equal(message.toString(), 'hi');
  const { connection } = await upstream.arrival('/ws');
  socket.terminate();
  await within(connection.closed, 'the tunnel to end');
});

test('what came over HTTPS is counted and logged like everything else', async () => {
  const answer = await askSecurely(port, get('/logged'));
  const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
  assert.equal(line['status'], 200);
  assert.equal(line['clientIp'], '127.0.0.1');
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'http_requests_in_flight')) === 0 ? true : null),
    'no request to be in flight',
  );
});

test('the worker has lived through all of it', () => {
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
