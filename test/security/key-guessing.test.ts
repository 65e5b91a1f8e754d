/** Whoever fails auth is put to the limits too: keys can't be guessed at any speed, and nobody else pays for the guessing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';

const hour = 3_600_000;
const respond = { status: 204 };
const keyA = 'the-key-of-a';
const keyB = 'the-key-of-b';

const gateway = await startGateway({
  config: {
    proxy: { trustedProxies: ['127.0.0.1'] },
    security: {
      auth: {
        type: 'apiKey',
        keys: [
          { key: digest(keyA), name: 'A' },
          { key: digest(keyB), name: 'B' },
        ],
      },
    },
    routes: [
      ...['client', 'ip', 'all', 'header:X-API-Key', 'header:X-Tenant'].map((key) => ({
        path: `/${key.replace(':', '-')}`,
        respond,
        auth: 'required',
        consumers: ['A'],
        rateLimit: { max: 3, windowMs: hour, key },
      })),
      { path: '/tried', respond, auth: { require: 'required', mode: 'shadow' }, rateLimit: { max: 1, windowMs: hour } },
    ],
  },
});

for (const path of ['/client', '/ip', '/all', '/header-X-API-Key', '/header-X-Tenant']) {
  test(`guesses at ${path} end in 429, whatever the limit goes by`, async () => {
    const from = '10.1.0.1';
    const guesses: number[] = [];
    for (let i = 0; i < 6; i++)
      guesses.push((await get(path, from, `X-API-Key: guess-${i}\r\nX-Tenant: ${i}\r\n`)).status);
    assert.deepEqual(guesses, [401, 401, 401, 429, 429, 429]);
  });
}

test('a refused guess says when to come back, and nothing of whether the key was right', async () => {
  const from = '10.1.0.2';
  for (let i = 0; i < 3; i++) await get('/ip', from, 'X-API-Key: guess\r\n');
  const wrong = await get('/ip', from, 'X-API-Key: guess\r\n');
  const right = await get('/ip', from, `X-API-Key: ${keyA}\r\n`);
  assert.deepEqual([wrong.status, right.status], [429, 429]);
  assert.equal(wrong.header('www-authenticate'), null);
  assert.notEqual(wrong.header('retry-after'), null);
});

test('a 401 still says how, and says what is left', async () => {
  const answer = await get('/client', '10.1.0.3');
  assert.equal(answer.status, 401);
  assert.notEqual(answer.header('www-authenticate'), null);
  assert.equal(answer.header('ratelimit')?.startsWith('"route";r=2;'), true);
});

test('strangers do not use up what all share, nor what is another’s by its field', async () => {
  for (let i = 0; i < 5; i++) {
    await get('/all', `10.2.0.${i}`, 'X-API-Key: guess\r\n');
    await get('/header-X-Tenant', `10.2.0.${i}`, 'X-API-Key: guess\r\nX-Tenant: blue\r\n');
    await get('/header-X-API-Key', `10.2.0.${i}`, `X-API-Key: ${keyB}\r\n`);
  }
  assert.equal((await get('/all', '10.2.1.1', `X-API-Key: ${keyA}\r\n`)).status, 204);
  assert.equal((await get('/header-X-Tenant', '10.2.1.1', `X-API-Key: ${keyA}\r\nX-Tenant: blue\r\n`)).status, 204);
});

test('a known client that a route is not for is counted by its name', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await get('/client', `10.3.0.${i}`, `X-API-Key: ${keyB}\r\n`)).status);
  assert.deepEqual(statuses, [403, 403, 403, 429, 429]);
  assert.equal((await get('/client', '10.3.0.1', `X-API-Key: ${keyA}\r\n`)).status, 204);
});

test('what the limit refuses is no failure of auth', async () => {
  const before = await metric(gateway.url, 'auth_failures_total', { route: '/client' });
  const from = '10.4.0.1';
  for (let i = 0; i < 5; i++) await get('/client', from, 'X-API-Key: guess\r\n');
  assert.equal(await metric(gateway.url, 'auth_failures_total', { route: '/client' }), before + 3);
});

test('auth in shadow mode lets pass, and the limit counts as for any other', async () => {
  assert.equal((await get('/tried', '10.5.0.1')).status, 204);
  assert.equal((await get('/tried', '10.5.0.1')).status, 429);
});

function get(path: string, from: string, fields = ''): Promise<RawResponse> {
  const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${from}\r\n`;
  return ask(gateway.port, `${head}${fields}Connection: close\r\n\r\n`);
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
