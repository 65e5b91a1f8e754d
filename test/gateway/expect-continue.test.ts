/** `Expect: 100-continue`: the client is asked for its body once the request has been accepted, and never before a refusal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/up', upstream: 'api', methods: ['POST'] },
      { path: '/small', upstream: 'api', maxBodySize: 10 },
    ],
  },
});

test('100 comes first, then the body goes up, then the answer comes', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  assert.equal((await client.response())?.status, 100);
  client.write('hello');
  assert.equal((await client.response())?.status, 200);
  const request = await upstream.arrival('/up');
  assert.equal((await request.received).bytes.toString(), 'hello');
  client.destroy();
});

test('the same with chunks', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n');
  assert.equal((await client.response())?.status, 100);
  client.write('5\r\nhello\r\n0\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  assert.equal((await (await upstream.arrival('/up')).received).bytes.toString(), 'hello');
  client.destroy();
});

for (const [name, head, status] of [
  ['no route', 'POST /nowhere HTTP/1.1\r\nContent-Length: 5', 404],
  ['no such method', 'PUT /up HTTP/1.1\r\nContent-Length: 5', 405],
  ['a body that is too large', 'POST /small HTTP/1.1\r\nContent-Length: 11', 413],
  ['ambiguous framing', 'POST /up HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6', 400],
] as const) {
  test(`a refusal for ${name} comes without a 100`, async () => {
    const before = upstream.requests.length;
    const client = await rawClient(gateway.port);
    client.write(`${head}\r\nHost: a\r\nExpect: 100-continue\r\n\r\n`);
    const answer = await client.response();
    assert.equal(answer?.status, status);
    assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
    assert.equal(answer.json()['requestId'], answer.header('x-request-id'));
    assert.equal(upstream.requests.length, before);
    client.destroy();
  });
}

test('after a refusal the body that was never asked for is not read as a request', async () => {
  const client = await rawClient(gateway.port);
  const smuggled = 'POST /up HTTP/1.1\r\nHost: smuggled\r\nContent-Length: 0\r\n\r\n';
  const before = upstream.requests.length;
  client.write(
    `POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${smuggled.length}\r\n\r\n`,
  );
  assert.equal((await client.response())?.status, 404);
  client.write(smuggled);
  client.end();
  await client.closed();
  assert.equal(upstream.requests.length, before);
});

test('a client that does not wait is served all the same', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello');
  assert.equal((await client.finalResponse())?.status, 200);
  client.destroy();
});

test('an HTTP/1.0 client gets no 100', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /up HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello');
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
