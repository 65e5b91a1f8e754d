/** Fields pass as they are, in order, byte for byte; those that concern one connection only stay on it. Both directions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import type { Field } from '../support/http-bytes.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

test('hop-by-hop fields of a request, and those that its Connection names, are not passed on', async () => {
  await ask(
    gateway.port,
    'GET /hop HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nConnection: x-other-hop, HTTP2-Settings\r\nKeep-Alive: timeout=5\r\n' +
      'Proxy-Connection: keep-alive\r\nTE: trailers, gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n' +
      'Proxy-Authorization: Basic c2VjcmV0\r\nTrailer: X-Sum\r\n' +
      'X-Hop: 1\r\nx-OTHER-hop: 2\r\nX-End: kept\r\n\r\n',
  );
  const request = await upstream.arrival('/hop');
  const gone = [
    'keep-alive',
    'proxy-connection',
    'upgrade',
    'http2-settings',
    'x-hop',
    'x-other-hop',
    'transfer-encoding',
    'proxy-authorization',
    'trailer',
  ];
  for (const name of gone) assert.equal(request.header(name), null, name);
  assert.doesNotMatch(request.header('connection') ?? '', /hop|upgrade|settings/i);
  assert.doesNotMatch(request.header('te') ?? '', /gzip/);
  assert.equal(request.header('x-end'), 'kept');
});

test('hop-by-hop fields of an answer, and those that its Connection names, are not passed on', async () => {
  upstream.on('/hop-back', (request) =>
    request.send(
      response(200, [
        ['Connection', 'X-Hop, keep-alive'],
        ['Keep-Alive', 'timeout=77'],
        ['Proxy-Connection', 'keep-alive'],
        ['Upgrade', 'h2c'],
        ['TE', 'trailers'],
        ['X-Hop', '1'],
        ['X-End', 'kept'],
      ]),
    ),
  );
  const answer = await ask(gateway.port, 'GET /hop-back HTTP/1.1\r\nHost: a\r\n\r\n');
  for (const name of ['proxy-connection', 'upgrade', 'te', 'x-hop']) assert.equal(answer.header(name), null, name);
  assert.doesNotMatch(answer.header('connection') ?? '', /hop/i);
  assert.doesNotMatch(answer.header('keep-alive') ?? '', /77/);
  assert.equal(answer.header('x-end'), 'kept');
});

test("a client's Connection can't take away what the gateway adds, nor the framing of its own request", async () => {
  const answer = await ask(
    gateway.port,
    'POST /strip HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For, X-Request-Id, Via, Host, Content-Length\r\n' +
      'Content-Length: 5\r\n\r\nhello',
    'POST',
  );
  const [request] = upstream.requestsTo('/strip');
  if (request === undefined) return assert.equal(answer.status, 400);
  assert.equal(request.header('x-forwarded-for'), '127.0.0.1');
  assert.notEqual(request.header('x-request-id'), null);
  assert.notEqual(request.header('via'), null);
  assert.equal(request.header('host'), `127.0.0.1:${upstream.port}`);
  assert.equal((await request.received).bytes.toString(), 'hello');
});

test('duplicates, order and case of request fields are kept', async () => {
  const sent: Field[] = [
    ['X-Dup', '1'],
    ['accept', 'text/html'],
    ['x-DUP', '2'],
    ['Cookie', 'a=1'],
    ['ACCEPT', 'text/plain'],
    ['Cookie', 'b=2'],
    ['X-Empty', ''],
    ['Authorization', 'Basic YTpi'],
    ['If-None-Match', '"a", "b"'],
    ['Range', 'bytes=0-1'],
    ['User-Agent', 'test  with  spaces'],
  ];
  await ask(gateway.port, `GET /kept HTTP/1.1\r\nHost: a\r\n${lines(sent)}\r\n`);
  const request = await upstream.arrival('/kept');
  const names = new Set(sent.map(([name]) => name));
  assert.deepEqual(
    request.fields.filter(([name]) => names.has(name)),
    sent,
  );
});

test('duplicates, order and case of response fields are kept, each Set-Cookie in its own line', async () => {
  const sent: Field[] = [
    ['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
    ['x-mIxEd', 'A'],
    ['set-cookie', 'b=2'],
    ['X-Mixed', 'B'],
    ['WWW-Authenticate', 'Basic realm="a"'],
    ['www-authenticate', 'Bearer'],
    ['Date', 'Sun, 01 Nov 2026 00:00:00 GMT'],
    ['Server', 'origin/1'],
    ['Vary', 'Accept'],
    ['ETag', 'W/"x"'],
    ['X-Empty', ''],
    ['Content-Type', 'text/plain'],
  ];
  upstream.on('/kept-back', (request) => request.send(response(200, sent, 'body')));
  const answer = await ask(gateway.port, 'GET /kept-back HTTP/1.1\r\nHost: a\r\n\r\n');
  const names = new Set(sent.map(([name]) => name.toLowerCase()));
  assert.deepEqual(
    answer.fields.filter(([name]) => names.has(name.toLowerCase())),
    sent,
  );
});

test('bytes above 127 in request fields arrive as they were sent', async () => {
  await ask(gateway.port, 'GET /latin HTTP/1.1\r\nHost: a\r\nX-Name: caf\xe9\r\nX-Utf8: \xc3\xa9\r\n\r\n');
  const request = await upstream.arrival('/latin');
  assert.equal(request.header('x-name'), 'caf\xe9');
  assert.equal(request.header('x-utf8'), '\xc3\xa9');
});

for (const [name, answerBytes] of [
  ['with a body', 'HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \xc3\xa9\r\nContent-Length: 2\r\n\r\nok'],
  ['without a body', 'HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \xc3\xa9\r\nContent-Length: 0\r\n\r\n'],
  [
    'in chunks',
    'HTTP/1.1 200 OK\r\nX-Name: caf\xe9 \xc3\xa9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ],
  ['of status 204', 'HTTP/1.1 204 No\r\nX-Name: caf\xe9 \xc3\xa9\r\n\r\n'],
] as const) {
  test(`bytes above 127 in the fields of an answer ${name} arrive as they were sent`, async () => {
    const path = `/latin-back/${name.replaceAll(' ', '-')}`;
    upstream.on(path, (request) => request.send(answerBytes));
    const answer = await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(answer.header('x-name'), 'caf\xe9 \xc3\xa9');
  });
}

test('bytes above 127 in the head of an answer whose body comes later arrive as they were sent', async () => {
  upstream.on('/latin-later', (request) =>
    request.send('HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\n'),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /latin-later HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.receives('X-Name: caf\xe9\r\n');
  (await upstream.arrival('/latin-later')).send('ok');
  assert.equal((await client.response())?.text(), 'ok');
  client.destroy();
});

test('a request without a body is forwarded without any framing', async () => {
  await ask(gateway.port, 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n');
  const request = await upstream.arrival('/plain');
  assert.equal(request.header('content-length'), null);
  assert.equal(request.header('transfer-encoding'), null);
});

test('a POST of length 0 is forwarded with its length', async () => {
  await ask(gateway.port, 'POST /zero HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  assert.equal((await upstream.arrival('/zero')).header('content-length'), '0');
});

test('methods of any name pass', async () => {
  for (const method of ['DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
    await ask(gateway.port, `${method} /method HTTP/1.1\r\nHost: a\r\n\r\n`, method);
    assert.equal((await upstream.arrival('/method')).method, method);
  }
});

test('the reason phrase of an answer is kept', async () => {
  upstream.on('/reason', (request) => request.send('HTTP/1.1 299 Fine Day\r\nContent-Length: 0\r\n\r\n'));
  const answer = await ask(gateway.port, 'GET /reason HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.status, 299);
  assert.equal(answer.reason, 'Fine Day');
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});

function lines(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}
