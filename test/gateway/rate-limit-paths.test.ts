/** rateLimit.perRoute: limits on paths, whatever the route, and however the path is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { parseList } from '../support/structured-fields.ts';

const limit = { max: 1, windowMs: 3_600_000 };
const respond = { status: 204 };

const gateway = await startGateway({
  config: {
    proxy: { trustedProxies: ['127.0.0.1'] },
    rateLimit: {
      perRoute: [
        { path: '/api/costly/*', ...limit },
        { path: '/api/:kind/report', ...limit, max: 5 },
        { path: '/exact', ...limit },
      ],
    },
    routes: [
      { path: '/api/*', respond },
      { path: '/api/costly/free', respond },
      { path: '/*', respond },
    ],
  },
});

test('an entry applies to everything below its path, on whichever route', async () => {
  const from = '10.0.0.1';
  assert.equal((await get('/api/costly/free', from)).status, 204);
  assert.equal((await get('/api/costly', from)).status, 429);
  assert.equal((await get('/api/costly/', from)).status, 429);
  assert.equal((await get('/api/costly/a/b', from)).status, 429);
  assert.equal((await get('/api/costlyX', from)).status, 204);
  assert.equal((await get('/API/costly/a', from)).status, 204);
  assert.equal((await get('/exact', from)).status, 204);
  assert.equal((await get('/exact', from)).status, 429);
  assert.equal((await get('/exact/', from)).status, 204);
});

test('every entry that matches applies', async () => {
  const answer = await get('/api/costly/report', '10.0.0.2');
  assert.deepEqual(limitsOf(answer), ['/api/costly/*', '/api/:kind/report']);
  assert.deepEqual(limitsOf(await get('/api/cheap/report', '10.0.0.2')), ['/api/:kind/report']);
  assert.deepEqual(limitsOf(await get('/api/cheap', '10.0.0.2')), []);
});

const spellings = [
  '/api/c%6Fstly/a',
  '/api/%63ostly/a',
  '/api/x/../costly/a',
  '/api/x/%2e%2e/costly/a',
  '/api/./costly/a',
  '/api/costly/a?b',
  // Servers that merge slashes, or decode them first, read these as the path of the entry.
  '/api//costly/a',
  '/api/costly%2Fa',
  '/api%5Ccostly/a',
];

for (const [i, path] of spellings.entries()) {
  test(`${path} is no way around`, async () => {
    const from = `10.0.1.${i}`;
    await get('/api/costly/a', from);
    const { status } = await get(path, from);
    // A path with two readings on two routes is refused before.
    assert.ok(status === 429 || status === 400, `${status}`);
  });
}

function limitsOf(answer: RawResponse): string[] {
  return answer.header('ratelimit') === null
    ? []
    : parseList(answer.header('ratelimit') ?? '').map(({ value }) => value);
}

function get(path: string, from: string): Promise<RawResponse> {
  return ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${from}\r\nConnection: close\r\n\r\n`);
}
