/** A reload that blocks an upstream closes what is open to it, idle, busy or a tunnel; whatever else is open stays so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { within } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** One upstream by its address and one by a name, so that a list of hosts can tell them apart. */
const config = (security: object, socketPort = 1): object => ({
  security,
  upstreams: [
    { name: 'address', url: upstream.url },
    { name: 'named', url: `http://localhost:${upstream.port}` },
    { name: 'sockets', url: `http://localhost:${socketPort}` },
  ],
  routes: ['address', 'named', 'sockets'].map((name) => ({ path: `/${name}/*`, upstream: name })),
});
/** Of the same upstreams, without the literal: `blockedIPs` with it would be a mistake in the file. */
const named = (security: object, socketPort = 1): object => ({
  security,
  upstreams: [
    { name: 'named', url: `http://localhost:${upstream.port}` },
    { name: 'sockets', url: `http://localhost:${socketPort}` },
  ],
  routes: ['named', 'sockets'].map((name) => ({ path: `/${name}/*`, upstream: name })),
});
const blocked = { blockedIPs: ['127.0.0.0/8', '::1'] };

// Else the pool would close an idle connection by itself after 4 s.
for (const path of ['/named/idle', '/address/a']) {
  upstream.on(path, (request) => request.send(response(200, [['Keep-Alive', 'timeout=60']], 'ok')));
}

test('an idle connection is closed, and the next request is refused', async () => {
  const gateway = await startGateway({ config: named({}) });
  await ask(gateway.port, get('/named/idle'));
  const { connection } = await upstream.arrival('/named/idle');
  const closed = connection.closed;
  await reload(gateway, named(blocked));
  await within(closed, 'the idle connection to close');
  const answer = await ask(gateway.port, get('/named/later'));
  assert.equal(answer.json()['code'], 'upstream_blocked');
  assert.equal(upstream.requestsTo('/named/later').length, 0);
  await reload(gateway, named({}));
  assert.equal((await ask(gateway.port, get('/named/again'))).text(), 'ok');
  await gateway.stop();
});

test('a request that waits for its answer gets 502, one whose answer has begun is cut', async () => {
  upstream.on('/named/waiting', () => {});
  upstream.on('/named/begun', (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
  upstream.on('/named/until-close', (request) => request.send('HTTP/1.1 200 OK\r\n\r\nhalf'));
  const gateway = await startGateway({ config: named({}) });
  const waiting = await open(gateway, '/named/waiting');
  const begun = await open(gateway, '/named/begun');
  const untilClose = await open(gateway, '/named/until-close');
  await begun.receives('half');
  await untilClose.receives('half');
  const arrived = await upstream.arrival('/named/waiting');
  await reload(gateway, named(blocked));
  const refused = await waiting.finalResponse();
  assert.equal(refused?.status, 502);
  assert.equal(refused?.json()['code'], 'upstream_blocked');
  await within(arrived.connection.closed, 'the upstream to lose the request');
  for (const client of [begun, untilClose]) {
    await client.closed();
    assert.equal((await client.finalResponse())?.complete, false);
  }
  await gateway.log((line) => line['path'] === '/named/begun' && line['code'] === 'upstream_blocked');
  await gateway.stop();
});

test('a WebSocket is closed', async () => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(sockets, 'listening');
  const { port } = sockets.address() as AddressInfo;
  const gateway = await startGateway({ config: named({}, port) });
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/sockets/a`);
  const [far] = (await within(once(sockets, 'connection'), 'the tunnel')) as [WebSocket];
  const closed = Promise.all([once(far, 'close'), once(socket, 'close')]);
  await reload(gateway, named(blocked, port));
  await within(closed, 'both ends to close');
  await gateway.stop();
  sockets.close();
});

test('a host that leaves allowedHosts loses its connections, also one that the config no longer names; others keep theirs', async () => {
  upstream.on('/named/busy', () => {});
  const gateway = await startGateway({ config: config({ allowedHosts: ['localhost', '127.0.0.1'] }) });
  await ask(gateway.port, get('/address/a'));
  const kept = (await upstream.arrival('/address/a')).connection;
  const busy = await open(gateway, '/named/busy');
  await upstream.arrival('/named/busy');
  const next = {
    security: { allowedHosts: ['127.0.0.1'] },
    upstreams: [{ name: 'address', url: upstream.url }],
    routes: [{ path: '/address/*', upstream: 'address' }],
  };
  await reload(gateway, next);
  assert.equal((await busy.finalResponse())?.json()['code'], 'upstream_blocked');
  await ask(gateway.port, get('/address/b'));
  assert.equal((await upstream.arrival('/address/b')).connection, kept);
  await gateway.stop();
});

test('a reload that blocks only other addresses leaves connections, requests and their upstream alone', async () => {
  let answer = (): void => {};
  upstream.on('/named/kept', (request) => {
    answer = () => request.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept');
  });
  const gateway = await startGateway({ config: named({}) });
  const client = await open(gateway, '/named/kept');
  const { connection } = await upstream.arrival('/named/kept');
  await reload(gateway, named({ blockedIPs: ['10.0.0.0/8'], allowedHosts: ['localhost'] }));
  answer();
  assert.equal((await client.finalResponse())?.text(), 'kept');
  await ask(gateway.port, get('/named/kept-too'));
  assert.equal((await upstream.arrival('/named/kept-too')).connection, connection);
  await gateway.stop();
});

async function open(gateway: Gateway, path: string): Promise<Awaited<ReturnType<typeof rawClient>>> {
  const client = await rawClient(gateway.port);
  client.write(get(path));
  return client;
}

async function reload(gateway: Gateway, next: object): Promise<void> {
  assert.equal(await gateway.reload(next), 'accepted', gateway.output());
}
