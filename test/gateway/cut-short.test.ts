/** Whoever leaves in the middle is noticed on the other side: an exchange that was cut never looks complete. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../support/deadline.ts';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: forwardAll(upstream.url, { routes: [{ path: '/brief', upstream: 'api', timeout: 400, tryTimeout: 0 }] }),
});
const [worker] = gateway.workers();

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

for (const leave of ['reset', 'destroy'] as const) {
  test(`a client that leaves (${leave}) while waiting aborts the upstream request`, async () => {
    upstream.on(`/waiting/${leave}`, () => {});
    const client = await rawClient(gateway.port);
    client.write(get(`/waiting/${leave}`));
    const request = await upstream.arrival(`/waiting/${leave}`);
    client[leave]();
    await within(request.connection.closed, 'the upstream request to be aborted');
  });

  test(`a client that leaves (${leave}) in the middle of an answer aborts the upstream request`, async () => {
    const path = `/answering/${leave}`;
    upstream.on(path, (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'));
    const client = await rawClient(gateway.port);
    client.write(get(path));
    await client.receives('part');
    client[leave]();
    await within((await upstream.arrival(path)).connection.closed, 'the upstream request to be aborted');
  });

  for (const [framing, head] of [
    ['sized', 'Content-Length: 100\r\n\r\npart'],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
  ] as const) {
    test(`a client that leaves (${leave}) in the middle of a ${framing} upload never looks done to the upstream`, async () => {
      const path = `/uploading/${leave}/${framing}`;
      const client = await rawClient(gateway.port);
      client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\n${head}`);
      const request = await upstream.arrival(path);
      await request.receives('part');
      client[leave]();
      assert.equal((await within(request.received, 'the upload to end')).complete, false);
      await request.connection.closed;
    });
  }
}

const partial = {
  'a Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart',
  chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
  'a chunk cut in two': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npart',
  'chunks and Connection: close':
    'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
  'a last chunk without its end': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n',
  'no length at all': 'HTTP/1.1 200 OK\r\n\r\npart',
};

for (const [name, bytes] of Object.entries(partial)) {
  for (const cut of ['end', 'resetAndDestroy'] as const) {
    // An answer without a length ends with a FIN: that is its proper end.
    if (name === 'no length at all' && cut === 'end') continue;
    test(`an answer with ${name} that the upstream cuts (${cut}) is cut for the client too`, async () => {
      const path = `/dies/${name.replaceAll(/\W/g, '-')}/${cut}`;
      upstream.on(path, (request) => request.send(bytes));
      const client = await rawClient(gateway.port);
      client.write(get(path));
      await client.receives('part');
      (await upstream.arrival(path)).connection.socket[cut]();
      const answer = await client.response();
      assert.equal(answer?.status, 200);
      assert.equal(answer.complete, false);
      await client.closed();
    });
  }
}

test('an answer that is cut before its first byte of body is never a clean empty one', async () => {
  upstream.on('/no-body', (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
    request.connection.socket.end();
  });
  const client = await rawClient(gateway.port);
  client.write(get('/no-body'));
  const answer = await client.response().catch(() => null);
  // The head may have gone out before the cut was seen, or not at all.
  if (answer?.status === 200) assert.equal(answer.complete, false);
  else if (answer !== null) assert.equal(answer.status, 502);
  client.destroy();
});

test('chunks that make no sense cut the answer', async () => {
  upstream.on('/bad-chunk', (request) =>
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nxyz\r\n'),
  );
  const client = await rawClient(gateway.port);
  client.write(get('/bad-chunk'));
  const answer = await client.response();
  if (answer?.status === 200) assert.equal(answer.complete, false);
  else assert.equal(answer?.status, 502);
  client.destroy();
});

test('a body that outlasts the timeout of the exchange is cut', async () => {
  upstream.on('/brief', (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'));
  const client = await rawClient(gateway.port);
  client.write(get('/brief'));
  await client.receives('part');
  const answer = await client.response();
  assert.equal(answer?.complete, false);
  await within((await upstream.arrival('/brief')).connection.closed, "the upstream's side to close");
});

test('what follows an answer of a stated length is never taken for the next answer', async () => {
  upstream.on('/surplus', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned'),
  );
  assert.equal((await ask(gateway.port, get('/surplus'))).text(), 'ok');
  for (let i = 0; i < 5; i++) assert.equal((await ask(gateway.port, get('/next'))).text(), 'ok');
});

test('the worker has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, get('/alive'))).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});
