/** Connections are used again on both sides, and a connection that the upstream has just closed costs no request that can be repeated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`;

const upstream = await recordingUpstream();
const fresh = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: upstream.url },
      { name: 'fresh', url: fresh.url },
    ],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/fresh/*', upstream: 'fresh' },
    ],
  },
});

test('one client connection serves many requests, over one upstream connection', async () => {
  const client = await rawClient(gateway.port);
  for (let i = 0; i < 5; i++) {
    client.write(get('/again'));
    assert.equal((await client.response())?.text(), 'ok');
  }
  client.destroy();
  await ask(gateway.port, get('/again'));
  const used = new Set(upstream.requestsTo('/again').map(({ connection }) => connection));
  assert.equal(used.size, 1);
});

test('a client that says Connection: close is answered so, and the connection ends', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /closing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const answer = await client.response();
  assert.match(answer?.header('connection') ?? '', /close/i);
  assert.equal(await client.closed(), 'end');
});

test("an upstream's Connection: close stays between it and the gateway", async () => {
  upstream.on('/upstream-closes', (request) => {
    request.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    request.connection.socket.end();
  });
  const client = await rawClient(gateway.port);
  for (let i = 0; i < 3; i++) {
    client.write(get('/upstream-closes'));
    const answer = await client.response();
    assert.equal(answer?.status, 200);
    assert.doesNotMatch(answer.header('connection') ?? '', /close/i);
  }
  client.destroy();
});

for (const [name, cut] of [
  ['closes', (request: ReceivedRequest) => void request.connection.socket.destroy()],
  ['resets', (request: ReceivedRequest) => void request.connection.socket.resetAndDestroy()],
] as const) {
  test(`a GET on a used connection that the upstream ${name} is sent once more, on another`, async () => {
    const path = `/race/${name}`;
    upstream.on(path, (request) => {
      const isFirst = upstream.requestsTo(path).length === 1;
      if (isFirst) cut(request);
      else request.send(response(200, [], 'at last'));
    });
    await ask(gateway.port, get('/warm'));
    const answer = await ask(gateway.port, get(path));
    assert.equal(answer.status, 200);
    assert.equal(answer.text(), 'at last');
    const tries = upstream.requestsTo(path);
    assert.equal(tries.length, 2);
    assert.ok((tries[0]?.connection.requests.length ?? 0) > 1, 'the first try went over a used connection');
  });

  test(`a PUT whose body came with its head is repeated likewise, body and all, when the upstream ${name}`, async () => {
    const path = `/race-put/${name}`;
    upstream.on(path, async (request) => {
      const isFirst = upstream.requestsTo(path).length === 1;
      if (isFirst) cut(request);
      else request.send(response(200, [], (await request.received).bytes.toString()));
    });
    await ask(gateway.port, get('/warm'));
    const answer = await ask(gateway.port, post(path).replace('POST', 'PUT'), 'PUT');
    assert.equal(answer.text(), 'hello');
    assert.equal(upstream.requestsTo(path).length, 2);
  });

  test(`a POST on a used connection that the upstream ${name} is not repeated`, async () => {
    const path = `/race-post/${name}`;
    upstream.on(path, cut);
    await ask(gateway.port, get('/warm'));
    const answer = await ask(gateway.port, post(path), 'POST');
    assert.equal(answer.status, 502);
    assert.equal(answer.json()['code'], 'upstream_reset');
    assert.equal(upstream.requestsTo(path).length, 1);
  });

  test(`a GET on a fresh connection that the upstream ${name} is not repeated`, async () => {
    const path = `/fresh/${name}`;
    fresh.on(path, cut);
    const answer = await ask(gateway.port, get(path));
    assert.equal(answer.status, 502);
    assert.equal(answer.json()['code'], 'upstream_reset');
    assert.equal(fresh.requestsTo(path).length, 1);
  });
}

test('a GET on a used connection that is reset after the first bytes of an answer is not repeated', async () => {
  upstream.on('/half-head', (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-');
    request.connection.socket.end();
  });
  await ask(gateway.port, get('/warm'));
  const answer = await ask(gateway.port, get('/half-head'));
  assert.equal(answer.status, 502);
  assert.equal(upstream.requestsTo('/half-head').length, 1);
});

test('connections that the upstream closes while they are idle cost nothing', async () => {
  for (let round = 0; round < 3; round++) {
    await ask(gateway.port, get('/idle'));
    const { connection } = upstream.requestsTo('/idle').at(-1) as ReceivedRequest;
    connection.socket.end();
    await connection.closed;
    assert.equal((await ask(gateway.port, post('/idle'), 'POST')).status, 200);
  }
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
