/** Clients that do not read hold up nothing and fill no memory, whoever made the answer. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const idleMs = 1_000;
const bodyBytes = 3_000_000;

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { idle: idleMs } },
    upstreams: [{ name: 'api', url: upstream.url, timeout: 3_000 }],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/own', respond: { status: 200, body: 'x'.repeat(bodyBytes) } },
    ],
  },
});

test('an answer of the gateway that is not read is given up after timeouts.idle', async () => {
  const client = await rawClient(gateway.port);
  client.socket.pause();
  client.write('GET /own HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(8));
  await eventually(async () => (await inFlight()) === 1 || null, 'an answer to be held up');
  await eventually(async () => (await inFlight()) === 0 || null, 'it to be given up');
  client.destroy();
});

test('one that is read piece by piece may take longer than that', async () => {
  const client = await rawClient(gateway.port);
  client.socket.pause();
  const sip = setInterval(() => {
    client.socket.resume();
    setImmediate(() => client.socket.pause());
  }, idleMs / 20);
  client.write('GET /own HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4));
  for (let i = 0; i < 4; i++) assert.equal((await client.response('GET', 30_000))?.body.length, bodyBytes);
  clearInterval(sip);
  client.destroy();
});

test('hints without end do not pile up behind a client that reads none', async () => {
  const hints = `HTTP/1.1 103 Early Hints\r\nLink: <${'a'.repeat(500)}>\r\n\r\n`.repeat(100);
  upstream.on('/hints', (request) => {
    const { socket } = request.connection;
    const push = (): void => {
      while (!socket.destroyed && socket.write(hints));
    };
    socket.on('drain', push);
    push();
  });
  const [worker = 0] = gateway.workers();
  const before = residentMb(worker);
  const client = await rawClient(gateway.port);
  client.socket.pause();
  client.write('GET /hints HTTP/1.1\r\nHost: a\r\n\r\n');
  const arrived = await upstream.arrival('/hints');
  await arrived.connection.closed;
  assert.ok(residentMb(worker) - before < 100, `from ${before} MB to ${residentMb(worker)} MB`);
  await eventually(async () => (await inFlight()) === 0 || null, 'the exchange to end');
  client.destroy();
});

test('a hint has no Content-Length, which would hide the answer behind it', async () => {
  upstream.on('/framed', (request) => {
    request.send('HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\n', response(200, [], 'ok'));
  });
  const client = await rawClient(gateway.port);
  client.write('GET /framed HTTP/1.1\r\nHost: a\r\n\r\n');
  const hint = await client.response();
  assert.equal(hint?.status, 103);
  assert.equal(hint.header('content-length'), null);
  assert.equal(hint.header('link'), '</a>');
  assert.equal((await client.response())?.text(), 'ok');
  client.destroy();
});

test('the gateway has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, 'GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status, 200);
});

async function inFlight(): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(/^http_requests_in_flight (\d+)$/m.exec(text)?.[1]);
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
