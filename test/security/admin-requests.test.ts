/** What the admin listener does with requests that nobody means well: it answers or closes, and the supervisor lives on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { startGateway } from '../support/gateway.ts';
import { type RawClient, rawClient } from '../support/raw-client.ts';

const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', targets: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }], circuitBreaker: {} },
    ],
    routes: [{ path: '/*', upstream: 'api' }],
  },
});

async function connected(): Promise<RawClient> {
  return await rawClient(gateway.adminPort);
}

async function statusOf(request: string, method = 'GET'): Promise<number> {
  const client = await connected();
  client.write(request);
  const answer = await client.finalResponse(method);
  client.destroy();
  return answer?.status ?? 0;
}

test('names that every object has are no upstream, no target, no level and no key', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const asked = [
      `POST /breakers/${name}/open`,
      `POST /upstreams/${name}/targets/x/drain`,
      `POST /upstreams/api/targets/${name}/drain`,
      `GET /${name}`,
    ];
    for (const what of asked) assert.equal((await askAdmin(gateway, what)).status, 404, what);
    const body = JSON.stringify({ level: name });
    assert.equal((await askAdmin(gateway, 'POST /log-level', { body })).status, 400, name);
    assert.equal((await askAdmin(gateway, `GET /limits/${name}:x`)).status, 400, name);
  }
  for (const body of [
    '{"__proto__":{"level":"trace"}}',
    '[]',
    'null',
    '1',
    '['.repeat(4000),
    '{"for":1e400}',
    '\u0000',
  ]) {
    assert.equal((await askAdmin(gateway, 'POST /log-level', { body })).status, 400, body.slice(0, 40));
    assert.equal((await askAdmin(gateway, 'POST /breakers/api/open', { body })).status, 400, body.slice(0, 40));
  }
  assert.equal((await askAdmin(gateway, 'GET /log-level')).body.level, 'info');
});

test('targets that can not be read, and methods that nobody has, get an answer', async () => {
  const host = 'Host: localhost\r\nX-Sluice-Admin: 1\r\nConnection: close\r\n';
  const expected: [string, readonly number[]][] = [
    ['GET /limits/%ff', [404]],
    ['GET /limits/%', [404]],
    ['GET /limits/client:%00%0d%0aX-Evil:%201', [200]],
    ['DELETE /limits/client:%1b%5d0;title%07', [200]],
    ['GET http://evil.example/status', [404]],
    ['GET //status', [404]],
    ['GET /status/../config', [404]],
    ['GET /STATUS', [404]],
    ['OPTIONS *', [404]],
    ['OPTIONS /reload', [405]],
    ['TRACE /status', [405]],
    ['PUT /config', [405]],
    ['HEAD /reload', [405]],
    ['CONNECT evil.example:80', [0]],
    ['NONSENSE /', [400]],
    [`GET /${'a'.repeat(20_000)}`, [431]],
  ];
  for (const [line, statuses] of expected) {
    const status = await statusOf(`${line} HTTP/1.1\r\n${host}\r\n`, line.split(' ')[0]);
    assert.ok(statuses.includes(status), `${line.slice(0, 60)}: ${status}`);
  }
});

test('bodies that end early, or go on behind the answer, end their connection and nothing else', async () => {
  const post = 'POST /config/check HTTP/1.1\r\nHost: localhost\r\nX-Sluice-Admin: 1\r\n';
  for (const rest of ['Content-Length: 100\r\n\r\nroutes', 'Transfer-Encoding: chunked\r\n\r\n5\r\nroute']) {
    const client = await connected();
    client.write(post + rest);
    client.socket.resetAndDestroy();
  }
  const client = await connected();
  client.write(`${post}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n`);
  assert.equal((await client.finalResponse())?.status, 400);
  await client.closed();
  assert.equal(await statusOf('GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello'), 413);
});

test('only so many candidates are taken in at a time, and there is room again when they have gone', async () => {
  const head = 'POST /config/check HTTP/1.1\r\nHost: localhost\r\nX-Sluice-Admin: 1\r\n';
  const check = (): Promise<number> => statusOf(`${head}Content-Length: 10\r\n\r\nroutes: []`, 'POST');
  const slow: RawClient[] = [];
  for (let i = 0; i < 5; i++) {
    const client = await connected();
    // Its answer to this comes when the request has arrived.
    client.write(`${head}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n`);
    assert.equal((await client.response())?.status, 100);
    slow.push(client);
  }
  assert.equal(await check(), 503);
  for (const client of slow) client.write('routes: []');
  for (const client of slow) assert.equal((await client.finalResponse('POST'))?.status, 200);
  assert.equal(await check(), 200);
  for (const client of slow) client.destroy();
});

test('the supervisor lives on, every line of its log is JSON, and none tells of a failure', async () => {
  assert.equal((await fetch(`${gateway.adminUrl}/health/live`)).status, 200);
  await gateway.log(({ path }) => path === '/limits/client:%1b%5d0;title%07', 'the line of the change');
  const lines = gateway.stdout.split('\n').slice(0, -1);
  for (const line of lines) assert.ok(line.startsWith('{'), line);
  assert.deepEqual(
    gateway.logs.filter(({ level }) => Number(level) >= 50),
    [],
  );
});
