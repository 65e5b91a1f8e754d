/** Answers of every kind keep their meaning: interim ones, those without a body, those in chunks and with trailers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

test('103 is passed on at once, with its fields, and the final answer follows', async () => {
  upstream.on('/hints', (request) =>
    request.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\n'),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /hints HTTP/1.1\r\nHost: a\r\n\r\n');
  const hints = await client.response();
  assert.equal(hints?.status, 103);
  assert.deepEqual(hints.values('link'), ['</a.css>; rel=preload', '</b.js>']);
  (await upstream.arrival('/hints')).send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  assert.equal((await client.response())?.text(), 'ok');
  client.destroy();
});

test('102 and several interim answers are passed on in order', async () => {
  upstream.on('/interims', (request) =>
    request.send(
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-N: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-N: 2\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /interims HTTP/1.1\r\nHost: a\r\n\r\n');
  const statuses: unknown[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await client.response())?.status);
  assert.deepEqual(statuses, [102, 103, 103, 200]);
  client.destroy();
});

test('interim answers are kept from HTTP/1.0 clients', async () => {
  upstream.on('/hints-10', (request) =>
    request.send('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /hints-10 HTTP/1.0\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

for (const [name, fields] of [
  ['a Content-Length', 'Content-Length: 12345\r\nETag: "x"'],
  ['no Content-Length', 'ETag: "x"'],
  ['chunked framing', 'Transfer-Encoding: chunked\r\nETag: "x"'],
] as const) {
  test(`the answer to HEAD with ${name} has no body, and the connections stay usable`, async () => {
    const path = `/head/${fields.length}`;
    upstream.on(path, (request) => request.send(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`));
    const client = await rawClient(gateway.port);
    client.write(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.response('HEAD');
    assert.equal(answer?.status, 200);
    assert.equal(answer.header('etag'), '"x"');
    assert.equal(answer.header('content-length'), name === 'a Content-Length' ? '12345' : null);
    client.write('GET /after-head HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.text(), 'ok');
    client.destroy();
  });
}

for (const [name, head] of [
  ['204', 'HTTP/1.1 204 No Content\r\nX-A: b'],
  ['204 with Content-Length: 0', 'HTTP/1.1 204 No Content\r\nX-A: b\r\nContent-Length: 0'],
  ['304', 'HTTP/1.1 304 Not Modified\r\nX-A: b'],
  ['304 with a Content-Length', 'HTTP/1.1 304 Not Modified\r\nX-A: b\r\nContent-Length: 1234'],
  ['200 of length 0', 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 0'],
] as const) {
  test(`a ${name} has no body, and the connection stays usable`, async () => {
    const path = `/bodyless/${name.replaceAll(/\W/g, '-')}`;
    upstream.on(path, (request) => request.send(`${head}\r\n\r\n`));
    const client = await rawClient(gateway.port);
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.response();
    assert.equal(answer?.status, Number(name.slice(0, 3)));
    assert.equal(answer.header('x-a'), 'b');
    assert.equal(answer.body.length, 0);
    assert.equal(answer.header('transfer-encoding'), null);
    if (name === '304 with a Content-Length') assert.equal(answer.header('content-length'), '1234');
    client.write('GET /after-bodyless HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.text(), 'ok');
    client.destroy();
  });
}

test('trailers of an answer reach a client that takes them', async () => {
  upstream.on('/trailers', (request) =>
    request.send(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 42\r\nX-Sum: 43\r\n\r\n',
    ),
  );
  const client = await rawClient(gateway.port);
  client.write('GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n');
  const answer = await client.response();
  assert.equal(answer?.text(), 'body');
  assert.deepEqual(
    answer.trailers.map(([name, value]) => [name.toLowerCase(), value]),
    [
      ['x-sum', '42'],
      ['x-sum', '43'],
    ],
  );
  client.destroy();
});

test('trailers of a request never become fields, and its body arrives whole', async () => {
  const answer = await ask(
    gateway.port,
    'POST /up-trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
      '4\r\nbody\r\n0\r\nX-Sum: 42\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
  );
  assert.equal(answer.status, 200);
  const request = await upstream.arrival('/up-trailers');
  assert.equal((await request.received).bytes.toString(), 'body');
  assert.equal(request.header('x-sum'), null);
  assert.equal(request.header('x-forwarded-for'), '127.0.0.1');
});

test('every byte passes in chunks of odd sizes, both ways', async () => {
  const bytes = Buffer.from(Array.from({ length: 4099 }, (_, i) => (i * 7) & 255));
  upstream.on('/bytes', async (request) => {
    const { bytes: received } = await request.received;
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', inChunks(received, 131), '0\r\n\r\n');
  });
  const client = await rawClient(gateway.port);
  client.write(
    'POST /bytes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    inChunks(bytes, 97),
    '0\r\n\r\n',
  );
  const answer = await client.response();
  assert.deepEqual(answer?.body, bytes);
  client.destroy();
});

test('an answer that ends with its connection is passed on whole, and the client knows its end', async () => {
  upstream.on('/until-close', (request) => {
    request.send('HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nall of it');
    request.connection.socket.end();
  });
  const client = await rawClient(gateway.port);
  client.write('GET /until-close HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await client.response();
  assert.equal(answer?.text(), 'all of it');
  assert.equal(answer.complete, true);
  assert.equal(answer.header('transfer-encoding'), 'chunked');
  client.write('GET /after-close HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.text(), 'ok');
  client.destroy();
});

test('an HTTP/1.0 answer is passed on as one of 1.1', async () => {
  upstream.on('/old', (request) => {
    request.send('HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold');
    request.connection.socket.end();
  });
  const answer = await ask(gateway.port, 'GET /old HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.version, 'HTTP/1.1');
  assert.equal(answer.text(), 'old');
});

test('redirects are passed on, not followed', async () => {
  upstream.on('/moved', (request) =>
    request.send('HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/x?y\r\nContent-Length: 0\r\n\r\n'),
  );
  const answer = await ask(gateway.port, 'GET /moved HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.status, 302);
  assert.equal(answer.header('location'), 'http://elsewhere.invalid/x?y');
});

test('compressed bodies are passed on as they are', async () => {
  upstream.on('/gzip', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00'),
  );
  const answer = await ask(gateway.port, 'GET /gzip HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
  assert.equal(answer.header('content-encoding'), 'gzip');
  assert.equal(answer.text(), '\x1f\x8b\x08\x00');
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});

function inChunks(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat(pieces);
}
