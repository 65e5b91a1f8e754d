/** Who shares a bucket: `key: client | ip | consumer | all | header:NAME`. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';

const hour = 3_600_000;
const respond = { status: 204 };
const limited = (key: string) => ({ max: 1, windowMs: hour, key });

const gateway = await startGateway({
  config: {
    proxy: { trustedProxies: ['127.0.0.1'] },
    security: {
      auth: {
        type: 'apiKey',
        default: 'optional',
        keys: [
          { key: digest('key-a1'), name: 'A' },
          { key: digest('key-a2'), name: 'A' },
          { key: digest('key-b'), name: 'B' },
          { key: digest('key-ip'), name: '10.9.0.1' },
        ],
      },
    },
    routes: [
      ...['client', 'ip', 'consumer', 'all', 'header:X-Tenant'].map((key) => ({
        path: `/${key.split(':')[0]}/*`,
        respond,
        rateLimit: limited(key),
      })),
      { path: '/first', respond, rateLimit: limited('client') },
      { path: '/second', respond, rateLimit: limited('client') },
      { path: '/third', methods: ['GET'], respond, rateLimit: limited('client') },
      { path: '/third', methods: ['POST'], respond, rateLimit: limited('client') },
    ],
  },
});

test('client is the consumer, wherever it comes from, and however many keys it has', async () => {
  assert.equal(await get('/client/1', { from: '10.1.0.1', key: 'key-a1' }), 204);
  assert.equal(await get('/client/2', { from: '10.1.0.2', key: 'key-a2' }), 429);
  assert.equal(await get('/client/3', { from: '10.1.0.1', key: 'key-b' }), 204);
});

test('client is the address, for those who show no key', async () => {
  assert.equal(await get('/client/1', { from: '10.1.0.3' }), 204);
  assert.equal(await get('/client/2', { from: '10.1.0.3' }), 429);
  assert.equal(await get('/client/1', { from: '10.1.0.4' }), 204);
});

test('no consumer can be called like an address', async () => {
  assert.equal(await get('/client/1', { from: '10.9.0.1' }), 204);
  assert.equal(await get('/client/1', { from: '10.9.0.2', key: 'key-ip' }), 204);
});

test('ip is the address, whoever it is', async () => {
  assert.equal(await get('/ip/1', { from: '10.2.0.1', key: 'key-a1' }), 204);
  assert.equal(await get('/ip/2', { from: '10.2.0.1', key: 'key-b' }), 429);
  assert.equal(await get('/ip/1', { from: '10.2.0.2', key: 'key-a1' }), 204);
});

test('an IPv6 client is its /64', async () => {
  assert.equal(await get('/ip/1', { from: '2001:db8:0:1::1' }), 204);
  assert.equal(await get('/ip/2', { from: '2001:DB8:0:1:ffff::2' }), 429);
  assert.equal(await get('/ip/3', { from: '2001:db8:0:2::1' }), 204);
});

test('an IPv4 address is the same in IPv6 clothes', async () => {
  assert.equal(await get('/ip/1', { from: '10.2.0.3' }), 204);
  assert.equal(await get('/ip/1', { from: '::ffff:10.2.0.3' }), 429);
});

test('consumer is the consumer, and the address for those who have none', async () => {
  assert.equal(await get('/consumer/1', { from: '10.3.0.1', key: 'key-a1' }), 204);
  assert.equal(await get('/consumer/1', { from: '10.3.0.2', key: 'key-a2' }), 429);
  assert.equal(await get('/consumer/1', { from: '10.3.0.1' }), 204);
  assert.equal(await get('/consumer/1', { from: '10.3.0.1' }), 429);
});

test('all share one bucket', async () => {
  assert.equal(await get('/all/1', { from: '10.4.0.1', key: 'key-a1' }), 204);
  assert.equal(await get('/all/2', { from: '10.4.0.2' }), 429);
});

test('a field is its value, in whatever case its name is written, and the address for those who do not send it', async () => {
  assert.equal(await get('/header/1', { from: '10.5.0.1', fields: 'X-Tenant: blue\r\n' }), 204);
  assert.equal(await get('/header/1', { from: '10.5.0.2', fields: 'x-tenant: blue\r\n' }), 429);
  assert.equal(await get('/header/1', { from: '10.5.0.1', fields: 'X-Tenant: Blue\r\n' }), 204);
  assert.equal(await get('/header/1', { from: '10.5.0.1', fields: `X-Tenant: ${'b'.repeat(8_000)}\r\n` }), 204);
  assert.equal(await get('/header/1', { from: '10.5.0.1', fields: `X-Tenant: ${'b'.repeat(8_000)}\r\n` }), 429);
  assert.equal(await get('/header/1', { from: '10.5.0.1' }), 204);
  assert.equal(await get('/header/1', { from: '10.5.0.1', fields: 'X-Tenant:\r\n' }), 429);
  assert.equal(await get('/header/1', { from: '10.5.0.2' }), 204);
});

test('each route has buckets of its own', async () => {
  const from = '10.6.0.1';
  assert.equal(await get('/first', { from }), 204);
  assert.equal(await get('/second', { from }), 204);
  assert.equal(await get('/first', { from }), 429);
  assert.equal(await get('/third', { from }), 204);
  assert.equal(await get('/third', { from, method: 'POST' }), 204);
  assert.equal(await get('/third', { from, method: 'POST' }), 429);
});

interface Sender {
  readonly from: string;
  readonly key?: string;
  readonly fields?: string;
  readonly method?: string;
}

async function get(path: string, { from, key, fields = '', method = 'GET' }: Sender): Promise<number> {
  const shown = key === undefined ? '' : `X-API-Key: ${key}\r\n`;
  const request = `${method} ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${from}\r\n${shown}${fields}Connection: close\r\n\r\n`;
  return (await ask(gateway.port, request, method)).status;
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
