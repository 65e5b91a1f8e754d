/** HTTP/1.0 clients get answers that they can read, and keep their connection only when they ask for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none-\r\n';

test('without keep-alive the connection ends after the answer', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /plain HTTP/1.0\r\nHost: a\r\n\r\n');
  const answer = await client.response();
  assert.equal(answer?.status, 200);
  assert.equal(answer.text(), 'ok');
  assert.equal(await client.closed(), 'end');
  assert.equal((await upstream.arrival('/plain')).version, 'HTTP/1.1');
});

test('with keep-alive the connection stays, and the answer says so', async () => {
  const client = await rawClient(gateway.port);
  for (let i = 0; i < 3; i++) {
    client.write('GET /kept HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer?.text(), 'ok');
    assert.match(answer.header('connection') ?? '', /keep-alive/i);
  }
  client.destroy();
});

test('no Host is needed', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /hostless HTTP/1.0\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  assert.equal((await upstream.arrival('/hostless')).header('host'), `127.0.0.1:${upstream.port}`);
});

for (const connection of ['', 'Connection: keep-alive\r\n']) {
  test(`a chunked answer becomes one that ends with the connection${connection && ', also with keep-alive'}`, async () => {
    upstream.on('/chunked', (request) => request.send(chunked, '3\r\ntwo\r\n0\r\nX-Trailer: 1\r\n\r\n'));
    const client = await rawClient(gateway.port);
    client.write(`GET /chunked HTTP/1.0\r\nHost: a\r\n${connection}\r\n`);
    const answer = await client.response();
    assert.equal(answer?.header('transfer-encoding'), null);
    assert.equal(answer?.text(), 'one-two');
    assert.equal(answer.complete, true);
    assert.equal(await client.closed(), 'end');
  });
}

test('a chunked answer that is cut is cut by a reset, since nothing else tells it from a whole one', async () => {
  upstream.on('/cut', (request) => request.send(chunked));
  const client = await rawClient(gateway.port);
  client.write('GET /cut HTTP/1.0\r\nHost: a\r\n\r\n');
  await client.receives('one-');
  (await upstream.arrival('/cut')).connection.socket.destroy();
  assert.equal(await client.closed(), 'reset');
});

test('a POST with a length passes', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /post HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  assert.equal((await client.response())?.status, 200);
  assert.equal((await (await upstream.arrival('/post')).received).bytes.toString(), 'hello');
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
