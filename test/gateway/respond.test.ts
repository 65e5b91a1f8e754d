/** Routes that answer by themselves: no upstream is asked, and what of the request was not read is never taken for another one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';

const gateway = await startGateway({
  config: {
    routes: [
      { path: '/hello', respond: { body: 'hällo' } },
      {
        path: '/gone',
        respond: { status: 410, headers: { 'X-Why': 'moved', 'Content-Type': 'text/plain' }, body: 'no' },
      },
      { path: '/moved', respond: { status: 301, headers: { Location: 'https://new.example/' } } },
      { path: '/empty', respond: { status: 204, headers: { 'X-Why': 'nothing' } } },
      { path: '/unmodified', respond: { status: 304, headers: { ETag: '"x"' } } },
      { path: '/small', maxBodySize: 4, respond: { body: 'ok' } },
    ],
  },
});

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('the default is 200 and the body as written, with its length in bytes', async () => {
  const answer = await ask(gateway.port, get('/hello'));
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString('utf8'), 'hällo');
  assert.equal(answer.header('content-length'), '6');
  assert.notEqual(answer.header('x-request-id'), null);
});

test('status, fields and body are those of the config', async () => {
  const answer = await ask(gateway.port, get('/gone'));
  assert.equal(answer.status, 410);
  assert.equal(answer.reason, 'Gone');
  assert.equal(answer.text(), 'no');
  assert.deepEqual(answer.values('x-why'), ['moved']);
  assert.deepEqual(answer.values('content-type'), ['text/plain']);
  const moved = await ask(gateway.port, get('/moved'));
  assert.equal(moved.status, 301);
  assert.equal(moved.header('location'), 'https://new.example/');
  assert.equal(moved.body.length, 0);
});

test('HEAD gets the head alone, and the connection stays usable', async () => {
  const client = await rawClient(gateway.port);
  client.write('HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await client.response('HEAD');
  assert.equal(answer?.status, 200);
  assert.equal(answer.header('content-length'), '6');
  client.write(get('/gone'));
  assert.equal((await client.response())?.status, 410);
  client.destroy();
});

for (const [path, status] of [
  ['/empty', 204],
  ['/unmodified', 304],
] as const) {
  test(`${status} has no body, and the connection stays usable`, async () => {
    const client = await rawClient(gateway.port);
    client.write(get(path), get('/gone'));
    const answer = await client.response();
    assert.equal(answer?.status, status);
    assert.equal(answer.header('content-length'), null);
    assert.equal(answer.header('transfer-encoding'), null);
    assert.equal((await client.response())?.status, 410);
    client.destroy();
  });
}

test('a body that has come with its request is passed over, and the next request is heard', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', get('/gone'));
  assert.equal((await client.response())?.status, 200);
  assert.equal((await client.response())?.status, 410);
  client.destroy();
});

for (const [name, head, body] of [
  ['a stated length', 'Content-Length: 64', get('/gone').padEnd(64, '\n')],
  ['chunks', 'Transfer-Encoding: chunked', `${get('/gone').length.toString(16)}\r\n${get('/gone')}\r\n0\r\n\r\n`],
] as const) {
  test(`a body of ${name} that has not come yet is not waited for, and never taken for a request`, async () => {
    const client = await rawClient(gateway.port);
    client.write(`POST /hello HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
    const answer = await client.response();
    assert.equal(answer?.status, 200);
    assert.match(answer.header('connection') ?? '', /close/i);
    client.write(body, get('/gone'));
    assert.deepEqual(await client.responsesUntilClosed(1), []);
    client.destroy();
  });
}

test('a client that waits for 100 Continue gets the answer instead', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  client.destroy();
});

test('a body that is larger than the route takes is refused here too', async () => {
  const answer = await ask(gateway.port, 'POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', 'POST');
  assert.equal(answer.status, 413);
});
