/** `validate.body`: JSON that does not fit, or that two parsers could read differently, never reaches the upstream; what fits arrives as it was sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const order = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer' },
    note: { type: 'string', maxLength: 5 },
    items: { type: 'array', items: { $ref: '#/$defs/item' } },
  },
  additionalProperties: false,
  $defs: { item: { type: 'object', required: ['sku'], properties: { sku: { type: 'string' } } } },
};
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/orders', upstream: 'api', validate: { body: order } },
      { path: '/any', upstream: 'api', validate: { body: true } },
      { path: '/answer', respond: { status: 200, body: 'yes' }, validate: { body: order } },
    ],
  },
});

const fitting = [
  '{"id":1}',
  ' {\r\n\t"note" : "\\u00e4\\/" , "id":1.0e0 }\n',
  '{"id":9007199254740993,"items":[{"sku":"a","more":[1,{"x":null}]}]}',
];

for (const [i, body] of fitting.entries()) {
  test(`a body that fits is passed on byte for byte (${i + 1})`, async () => {
    assert.equal((await post('/orders', body)).status, 200);
    const request = await upstream.arrival('/orders');
    assert.equal((await request.received).bytes.toString(), body);
    assert.equal(request.header('content-length'), String(body.length));
  });
}

const wrong: readonly (readonly [what: string, body: string, errors: readonly string[]])[] = [
  [
    'every violation',
    '{"note":"too long","items":[{"sku":1},{}],"extra":true}',
    ['/id', '/note', '/items/0/sku', '/items/1/sku', '/extra'],
  ],
  ['another type', '[1]', ['']],
  ['what is no JSON', '{"id":1', ['']],
  ['a name twice', '{"id":1,"i\\u0064":2}', ['/id']],
  ['__proto__', '{"id":1,"__proto__":{"admin":true}}', ['/__proto__']],
  ['a byte order mark', '\u00ef\u00bb\u00bf{"id":1}', ['']],
  ['bytes that are no UTF-8', '{"id":1,"note":"\u00ff"}', ['']],
  ['half a character', '{"id":1,"note":"\\ud800"}', ['/note']],
  ['nothing', '', ['']],
  ['space', '  ', ['']],
];

for (const [what, body, paths] of wrong) {
  test(`${what} is refused with 400, and the upstream hears nothing`, async () => {
    const before = upstream.requests.length;
    const answer = await post('/orders', body);
    assert.equal(answer.status, 400);
    assert.equal(answer.header('content-type'), 'application/problem+json');
    const { code, errors } = answer.json() as { code: string; errors: { in: string; path: string; message: string }[] };
    assert.equal(code, 'validation_failed');
    assert.deepEqual(
      errors.map(({ path }) => path),
      paths,
    );
    assert.ok(errors.every((error) => error.in === 'body' && error.message !== ''));
    assert.equal(upstream.requests.length, before);
  });
}

test('nesting of 64 passes and of 65 is refused', async () => {
  assert.equal((await post('/any', `${'['.repeat(64)}${']'.repeat(64)}`)).status, 200);
  const answer = await post('/any', `${'['.repeat(65)}${']'.repeat(65)}`);
  assert.equal(answer.status, 400);
  assert.match(answer.text(), /nested deeper than 64/);
});

test('of more than 100 violations 100 are told, and that there are more', async () => {
  const answer = await post('/orders', `{"id":1,"items":[${'1,'.repeat(150)}1]}`);
  const { detail, errors } = answer.json() as { detail: string; errors: object[] };
  assert.equal(errors.length, 100);
  assert.match(detail, /more errors/);
});

test('what the body held is not in the answer, nor in the log', async () => {
  const answer = await post('/orders', '{"id":"hunter2","note":"hunter2-hunter2"}');
  assert.equal(answer.status, 400);
  assert.ok(!answer.text().includes('hunter2'));
  const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
  assert.ok(!JSON.stringify(line).includes('hunter2'));
});

test('a POST without a body is refused where the route has a schema for it; a GET or DELETE is not', async () => {
  const answer = await ask(gateway.port, 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 'POST');
  assert.equal(answer.status, 400);
  assert.match(answer.text(), /is missing/);
  for (const method of ['GET', 'DELETE', 'HEAD', 'OPTIONS']) {
    assert.equal(
      (await ask(gateway.port, `${method} /orders HTTP/1.1\r\nHost: a\r\n\r\n`, method)).status,
      200,
      method,
    );
  }
});

test('a GET with a body is judged by it', async () => {
  const fields = 'Host: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
  assert.equal((await ask(gateway.port, `GET /orders HTTP/1.1\r\n${fields}\r\n{}`)).status, 400);
});

test('a body in chunks that come one by one is judged as a whole, and nothing reaches the upstream before', async () => {
  const before = upstream.requests.length;
  const client = await rawClient(gateway.port);
  client.write(chunkedHead('/orders'), '5\r\n{"id"\r\n');
  // Another request goes its whole way meanwhile.
  assert.equal((await post('/any', '1')).status, 200);
  assert.equal(upstream.requests.length, before + 1);
  client.write('3\r\n:1}\r\n0\r\n\r\n');
  assert.equal((await client.response('POST'))?.status, 200);
  assert.equal(upstream.requests.length, before + 2);
  const request = upstream.requestsTo('/orders').at(-1);
  assert.equal((await request?.received)?.bytes.toString(), '{"id":1}');
  client.destroy();
});

test('a chunked body without a byte is no body', async () => {
  const client = await rawClient(gateway.port);
  client.write(chunkedHead('/orders'));
  await post('/any', '1');
  client.write('0\r\n\r\n');
  const answer = await client.response('POST');
  assert.equal(answer?.status, 400);
  assert.match(answer?.text() ?? '', /is missing/);
  client.destroy();
});

test('after a refusal the connection goes on', async () => {
  const client = await rawClient(gateway.port);
  const request = (body: string): string =>
    `POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  client.write(request('{"id":"x"}'), request('{"id":1}'), request('[]'));
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await client.response('POST'))?.status);
  assert.deepEqual(statuses, [400, 200, 400]);
  client.destroy();
});

test('a client that waits for 100 Continue is asked for its body once', async () => {
  const client = await rawClient(gateway.port);
  client.write(
    'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n',
  );
  assert.equal((await client.response('POST'))?.status, 100);
  client.write('{"id":1}');
  assert.equal((await client.response('POST'))?.status, 200);
  client.destroy();
});

test('an answer out of the config is given only to requests that fit', async () => {
  assert.equal((await post('/answer', '{"id":1}')).text(), 'yes');
  assert.equal((await post('/answer', '{"id":"1"}')).status, 400);
});

test('what came is tried again with its body: it is whole', async () => {
  // The upstream closes each connection as soon as the next request arrives on it: an idle race.
  let calls = 0;
  upstream.on('/any', (request) => {
    calls++;
    if (calls === 2) request.connection.socket.resetAndDestroy();
    else request.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const put = (body: string): string =>
    `PUT /any HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const client = await rawClient(gateway.port);
  client.write(put('[1]'), '[1]');
  assert.equal((await client.response('PUT'))?.status, 200);
  client.write(put('[1,2]'), '[1');
  await post('/orders', '{"id":1}');
  client.write(',2]');
  assert.equal((await client.response('PUT'))?.status, 200);
  assert.equal(calls, 3);
  assert.equal(upstream.requestsTo('/any').at(-1)?.body.bytes.toString(), '[1,2]');
  client.destroy();
});

test('the upstream has got nothing but correct requests', () => {
  assert.deepEqual(upstream.violations, []);
});

function chunkedHead(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
}

function post(path: string, body: string): Promise<RawResponse> {
  const fields = `Host: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return ask(gateway.port, `POST ${path} HTTP/1.1\r\n${fields}\r\n${body}`, 'POST');
}
