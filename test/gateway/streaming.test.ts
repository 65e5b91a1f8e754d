/** Bodies flow while they are being made, both ways and both at once: nothing waits for the end of anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

test('a chunked upload reaches the upstream piece by piece, before its end', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  const request = await upstream.arrival('/up');
  await request.receives('first');
  client.write('6\r\nsecond\r\n');
  await request.receives('second');
  client.write('0\r\n\r\n');
  const body = await request.received;
  assert.equal(body.bytes.toString(), 'firstsecond');
  assert.equal(body.complete, true);
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('an upload with a Content-Length reaches the upstream piece by piece, with its length', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /sized HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst');
  const request = await upstream.arrival('/sized');
  assert.equal(request.header('content-length'), '11');
  assert.equal(request.header('transfer-encoding'), null);
  await request.receives('first');
  client.write('second');
  assert.equal((await request.received).complete, true);
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('the head of an answer arrives before any of its body', async () => {
  upstream.on('/head-first', (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Early: yes\r\n\r\n'));
  const client = await rawClient(gateway.port);
  client.write('GET /head-first HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.receives('X-Early: yes');
  (await upstream.arrival('/head-first')).send('body');
  assert.equal((await client.response())?.text(), 'body');
  client.destroy();
});

for (const [name, head, pieces, end] of [
  ['a Content-Length', 'Content-Length: 8', ['one-', 'two-'], ''],
  ['chunks', 'Transfer-Encoding: chunked', ['4\r\none-\r\n', '4\r\ntwo-\r\n'], '0\r\n\r\n'],
] as const) {
  test(`an answer with ${name} arrives piece by piece, before its end`, async () => {
    const path = `/down/${head.length}`;
    upstream.on(path, (request) => request.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`, pieces[0]));
    const client = await rawClient(gateway.port);
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.receives('one-');
    const request = await upstream.arrival(path);
    request.send(pieces[1]);
    await client.receives('two-');
    request.send(end);
    const answer = await client.response();
    assert.equal(answer?.text(), 'one-two-');
    assert.equal(answer.complete, true);
    client.destroy();
  });
}

test('an exchange can go to and fro: the answer begins and continues while the request is still being sent', async () => {
  upstream.on('/duplex', (request) => request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
  const client = await rawClient(gateway.port);
  // A head whose body has not begun waits for its first byte: undici sends the two together.
  client.write('POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nalpha\r\n');
  const request = await upstream.arrival('/duplex');
  for (const word of ['alpha', 'bravo', 'delta']) {
    if (word !== 'alpha') client.write(`5\r\n${word}\r\n`);
    await request.receives(word);
    request.send(`8\r\nre-${word}\r\n`);
    await client.receives(`re-${word}`);
  }
  client.write('0\r\n\r\n');
  assert.equal((await request.received).complete, true);
  request.send('0\r\n\r\n');
  assert.equal((await client.response())?.text(), 're-alphare-bravore-delta');
  client.destroy();
});

test('server-sent events are flushed one by one', async () => {
  upstream.on('/events', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
  await client.receives('text/event-stream');
  const request = await upstream.arrival('/events');
  for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    request.send(`9\r\n${event}\r\n`);
    await client.receives(event);
  }
  client.destroy();
  await request.connection.closed;
});

test('an answer that comes before the end of the upload is passed on, and the rest of the upload is never a request', async () => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  upstream.on('/too-much', (request) =>
    request.send('HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  );
  const client = await rawClient(gateway.port);
  client.write(`POST /too-much HTTP/1.1\r\nHost: a\r\nContent-Length: ${5 + smuggled.length}\r\n\r\nstart`);
  assert.equal((await client.response())?.status, 413);
  client.write(smuggled, 'GET /after HTTP/1.1\r\nHost: a\r\n\r\n');
  // Either the rest is read as body and the next request is served, or the connection closes.
  const next = await client.response().catch(() => null);
  if (next !== null) assert.equal(next.status, 200);
  assert.equal(upstream.requestsTo('/smuggled').length, 0);
  client.destroy();
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
