/** An upstream in the hands of an attacker: what it sends beyond its answer, or hides in it, reaches nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: forwardAll(upstream.url, { route: { cors: { origins: ['https://a.example'] } } }),
});
const [worker] = gateway.workers();

const poison = 'HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 6\r\n\r\npoison';

/** Each answer, with what the client may see of it. */
const surplus: readonly (readonly [what: string, method: string, answer: string, body: string])[] = [
  ['a second answer', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  [
    'a second answer behind chunks',
    'GET',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    'ok',
  ],
  ['a body for HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\r\n', ''],
  ['a body for 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ['a body for 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 63\r\n\r\n', ''],
];

for (const [what, method, answer, body] of surplus) {
  test(`${what} goes to nobody, neither the same client nor the next`, async () => {
    const path = `/surplus/${what.replaceAll(' ', '-')}`;
    upstream.on(path, (request) => request.send(answer + poison));
    const client = await rawClient(gateway.port);
    client.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const first = await client.response(method);
    // A refusal is as good.
    if (first?.status !== 502) assert.equal(first?.text(), body);
    for (let i = 0; i < 3; i++) {
      client.write('GET /mine HTTP/1.1\r\nHost: a\r\n\r\n');
      const [mine, other] = await Promise.all([
        client.response(),
        ask(gateway.port, 'GET /theirs HTTP/1.1\r\nHost: a\r\n\r\n'),
      ]);
      assert.deepEqual([mine?.text(), other.text()], ['ok', 'ok']);
    }
    assert.doesNotMatch(client.received.toString('latin1'), /poison/i);
    client.destroy();
  });
}

test('an answer that nobody has asked for yet is not the answer to the next request', async () => {
  upstream.on('/kept', (request) => {
    request.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept');
    // Later than its own answer, on a connection that is idle by now.
    setImmediate(() => request.send(poison));
  });
  for (let i = 0; i < 10; i++) {
    assert.equal((await ask(gateway.port, 'GET /kept HTTP/1.1\r\nHost: a\r\n\r\n')).text(), 'kept');
    const next = await ask(gateway.port, 'GET /innocent HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(next.header('x-poison'), null);
    assert.ok(next.text() === 'ok' || next.status === 502, next.text());
  }
});

/** Lines of a head that would be two answers, or another one, if they were passed on as they are. */
const splitting: Readonly<Record<string, string>> = {
  'a bare CR before a field': 'X-A: b\rX-Poison: 1',
  'a bare LF before a field': 'X-A: b\nX-Poison: 1',
  'a NUL': 'X-A: b\0X-Poison: 1',
  'a control character': 'X-A: b\x1bX-Poison: 1',
  'an obsolete fold': 'X-A: b\r\n X-Poison: 1',
  'a name with a space': 'X Poison: 1',
  'a name with a colon before it': ': X-Poison',
};

for (const [what, line] of Object.entries(splitting)) {
  test(`${what} in an answer: it is refused, or the client sees one field with one value`, async () => {
    upstream.on('/split', (request) => request.send(`HTTP/1.1 200 OK\r\n${line}\r\nContent-Length: 2\r\n\r\nok`));
    // The client of the tests reads strictly: any stray byte is an error.
    const answer = await ask(gateway.port, 'GET /split HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(answer.header('x-poison'), null);
    assert.ok(answer.status === 502 || answer.status === 200, String(answer.status));
  });
}

test('a reason phrase is one line of text', async () => {
  for (const reason of ['OK\x1b[31m', 'OK\rX-Poison: 1', 'caf\xe9', 'x'.repeat(5_000), '']) {
    upstream.on('/reason', (request) => request.send(`HTTP/1.1 200 ${reason}\r\nContent-Length: 2\r\n\r\nok`));
    const answer = await ask(gateway.port, 'GET /reason HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.doesNotMatch(answer.reason, /\p{Cc}/u);
    assert.equal(answer.header('x-poison'), null);
  }
});

test("what the gateway says of itself, the upstream can't say for it", async () => {
  upstream.on('/claims', (request) =>
    request.send(
      'HTTP/1.1 200 OK\r\nX-Request-Id: forged\r\nAccess-Control-Allow-Origin: https://evil.example\r\n' +
        'Access-Control-Allow-Credentials: true\r\nConnection: X-Request-Id, Content-Length\r\nContent-Length: 2\r\n\r\nok',
    ),
  );
  const answer = await ask(
    gateway.port,
    'GET /claims HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nX-Request-Id: mine-1\r\n\r\n',
  );
  assert.deepEqual(answer.values('x-request-id'), ['mine-1']);
  assert.equal(answer.header('access-control-allow-origin'), null);
  assert.equal(answer.header('access-control-allow-credentials'), null);
  assert.deepEqual([answer.text(), answer.complete], ['ok', true]);
});

test('an upstream that never stops sending fields or hints is cut off', async () => {
  upstream.on('/endless-head', (request) => {
    const { socket } = request.connection;
    request.send('HTTP/1.1 200 OK\r\n');
    const send = (): void => {
      while (socket.writable && socket.write(`X-Filler: ${'x'.repeat(1000)}\r\n`));
    };
    socket.on('drain', send);
    send();
  });
  const answer = await ask(gateway.port, 'GET /endless-head HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual([answer.status, answer.json()['code']], [502, 'upstream_protocol_error']);
  const [request] = upstream.requestsTo('/endless-head');
  await request?.connection.closed;
});

test('the worker has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, 'GET /alive HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
});
