/** What the gateway tells upstreams about the client and the request: always its own word, never a stranger's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: forwardAll(upstream.url, {
    routes: [{ path: '/preserved', upstream: 'api', preserveHost: true }],
  }),
});
const trusting = await startGateway({
  config: forwardAll(upstream.url, { proxy: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } }),
});

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

test('an upstream learns who asked, how, for what host, and gets an id', async () => {
  const { request, answer } = await send('', 'Host: shop.example:8080');
  assert.deepEqual(request.values('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(request.values('x-forwarded-proto'), ['http']);
  assert.deepEqual(request.values('x-forwarded-host'), ['shop.example:8080']);
  assert.equal(request.values('x-forwarded-port').length, 1);
  assert.match(request.header('via') ?? '', /^1\.1 \S+$/);
  assert.match(request.header('traceparent') ?? '', traceparent);
  assert.ok((request.header('x-request-id') ?? '').length >= 16);
  assert.deepEqual(answer.values('x-request-id'), request.values('x-request-id'));
});

test("a stranger's word about any of it is dropped", async () => {
  const { request } = await send(
    'X-Forwarded-For: 6.6.6.6\r\nx-forwarded-FOR: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n' +
      'X-Forwarded-Port: 666\r\nForwarded: for=6.6.6.6\r\nX-Consumer-Name: admin\r\n',
  );
  assert.deepEqual(request.values('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(request.values('x-forwarded-proto'), ['http']);
  assert.deepEqual(request.values('x-forwarded-host'), ['a']);
  assert.equal(request.header('x-forwarded-port')?.includes('666'), false);
  assert.equal(request.header('forwarded')?.includes('6.6.6.6') ?? false, false);
  assert.equal(request.header('x-consumer-name'), null);
});

test("a trusted proxy's word is carried on, its own address added", async () => {
  const { request } = await send(
    'X-Forwarded-For: 203.0.113.9, 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n',
    'Host: a',
    trusting.port,
  );
  assert.equal(request.header('x-forwarded-for'), '203.0.113.9, 10.1.1.1, 127.0.0.1');
  assert.equal(request.header('x-forwarded-proto'), 'https');
  assert.equal(request.header('x-forwarded-host'), 'shop.example');
});

test('the client is the first address from the right that is not trusted', async () => {
  const { answer } = await send('X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.1.1\r\n', 'Host: a', trusting.port);
  const line = await trusting.accessLog(answer.header('x-request-id') ?? '');
  assert.equal(line['clientIp'], '203.0.113.9');
});

test('a well-formed X-Request-Id is kept', async () => {
  for (const id of ['abc-123', 'A.b_c-d1', 'x'.repeat(128)]) {
    const { request, answer } = await send(`X-Request-Id: ${id}\r\n`);
    assert.deepEqual(request.values('x-request-id'), [id]);
    assert.deepEqual(answer.values('x-request-id'), [id]);
  }
});

test('an X-Request-Id that is malformed, too long or doubled is replaced', async () => {
  for (const fields of ['x'.repeat(129), 'two words', 'a"b', 'caf\xe9', '', 'one\r\nX-Request-Id: two']) {
    const { request, answer } = await send(`X-Request-Id: ${fields}\r\n`);
    const [id = '', ...more] = request.values('x-request-id');
    assert.deepEqual(more, []);
    assert.match(id, /^[\w.:~-]{16,128}$/);
    assert.notEqual(id, fields);
    assert.deepEqual(answer.values('x-request-id'), [id]);
  }
});

test("the answer's X-Request-Id is the gateway's, whatever the upstream says", async () => {
  upstream.on('/own-id', (request) => request.send(response(200, [['X-Request-Id', 'of-the-upstream']])));
  const answer = await ask(gateway.port, 'GET /own-id HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n');
  assert.deepEqual(answer.values('x-request-id'), ['mine']);
});

test('a valid traceparent is continued with a new span, its tracestate kept', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { request } = await send(`traceparent: 00-${traceId}-00f067aa0ba902b7-01\r\ntracestate: a=1,b=2\r\n`);
  const [, sameTrace, span] = traceparent.exec(request.header('traceparent') ?? '') ?? [];
  assert.equal(sameTrace, traceId);
  assert.notEqual(span, '00f067aa0ba902b7');
  assert.equal(request.header('tracestate'), 'a=1,b=2');
});

test('an invalid traceparent starts a new trace, and its tracestate is dropped', async () => {
  for (const invalid of [
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'nonsense',
  ]) {
    const { request } = await send(`traceparent: ${invalid}\r\ntracestate: a=1\r\n`);
    const [, trace] = traceparent.exec(request.header('traceparent') ?? '') ?? [];
    assert.ok(trace !== undefined && trace !== '0'.repeat(32), invalid);
    assert.notEqual(trace, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.equal(request.header('tracestate'), null);
  }
});

test('Via names every hop', async () => {
  const { request } = await send('Via: 1.0 first, 1.1 second\r\n');
  assert.match(request.header('via') ?? '', /^1\.0 first, 1\.1 second, 1\.1 \S+$/);
});

test("Host is the upstream's own, unless the route preserves the client's", async () => {
  const { request } = await send('', 'Host: shop.example');
  assert.deepEqual(request.values('host'), [`127.0.0.1:${upstream.port}`]);
  await ask(gateway.port, 'GET /preserved HTTP/1.1\r\nHost: Shop.Example:81\r\n\r\n');
  assert.deepEqual((await upstream.arrival('/preserved')).values('host'), ['Shop.Example:81']);
});

async function send(
  fields: string,
  host = 'Host: a',
  port = gateway.port,
): Promise<{ request: ReceivedRequest; answer: RawResponse }> {
  const answer = await ask(port, `GET /told HTTP/1.1\r\n${host}\r\n${fields}\r\n`);
  assert.equal(answer.status, 200);
  return { request: await upstream.arrival('/told'), answer };
}
