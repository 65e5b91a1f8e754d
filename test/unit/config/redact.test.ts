/** What of a config operators get to see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hidden, redactConfig } from '../../../src/config/redact.ts';
import { resolveText } from './load-text.ts';

test('nothing that is secret or may be is shown, wherever it stands', () => {
  const text = `
proxy: { traceToken: s3cret-1 }
admin: { token: s3cret-2 }
security:
  auth:
    type: apiKey
    secret: s3cret-3
    keys: [{ key: "${'5ec7e7'.padEnd(64, '0')}", name: Client A }]
rateLimit:
  backend: redis
  redis:
    url: redis://user:s3cret-4@cache:6379/0?password=s3cret-5
    sentinels: ["redis://:s3cret-6@one:26379"]
upstreams: [{ name: a, url: "http://a.internal" }]
routes:
  - path: /a
    headers: { x-internal: s3cret-7 }
    upstream: a
    request: { headers: { set: { Authorization: Bearer s3cret-8 }, add: { X-Token: s3cret-9 }, remove: [X-Gone] } }
telemetry: { otlp: { url: "http://user:s3cret-10@collector:4318", headers: { authorization: Bearer s3cret-11 } } }
`;
  const config = redactConfig(resolveText(text));
  assert.doesNotMatch(JSON.stringify(config), /s3cret|5ec7e7/);
  assert.equal(config.admin.token, hidden);
  assert.deepEqual(config.security.auth?.keys, [{ key: hidden, name: 'Client A' }]);
  assert.equal(config.rateLimit.redis.url, `redis://${hidden}@cache:6379/0?${hidden}`);
  assert.deepEqual(config.routes[0]?.requestHeaders.set, [{ name: 'Authorization', value: hidden }]);
  assert.deepEqual(config.routes[0]?.requestHeaders.remove, ['X-Gone']);
  assert.deepEqual(config.telemetry.otlp?.headers, [{ name: 'authorization', value: hidden }]);
});

test('of schemas and health checks neither values nor queries are shown', () => {
  const text = `
upstreams: [{ name: a, url: "http://a.internal", healthCheck: { path: "/health?token=s3cret-1" } }]
routes:
  - path: /a
    upstream: a
    validate:
      headers: { properties: { x-token: { const: s3cret-2 }, default: { type: string } }, required: [x-token] }
      query: { properties: { key: { enum: [s3cret-3] } } }
      body: { anyOf: [{ $defs: { const: { default: s3cret-4, examples: [s3cret-5] } } }] }
`;
  const config = redactConfig(resolveText(text));
  assert.doesNotMatch(JSON.stringify(config), /s3cret/);
  assert.equal(config.upstreams[0]?.healthCheck?.path, `/health?${hidden}`);
  assert.deepEqual(config.routes[0]?.validate?.headers, {
    properties: { 'x-token': { const: hidden }, default: { type: 'string' } },
    required: ['x-token'],
  });
  assert.deepEqual(config.routes[0]?.validate?.body, {
    anyOf: [{ $defs: { const: { default: hidden, examples: hidden } } }],
  });
});

test('what is no secret stays as it is, and what is not configured stays null', () => {
  const config = resolveText('upstreams: [{ name: a, url: "http://a" }]\nroutes: [{ path: /a, upstream: a }]');
  assert.deepEqual(redactConfig(config), config);
});

test('of certificates and keys only the files are named', () => {
  const config = resolveText('upstreams: [{ name: a, url: "https://a" }]\nroutes: [{ path: /a, upstream: a }]');
  const file = (name: string) => ({ file: `/${name}`, pem: 's3cret' });
  const tls = { ca: file('ca'), cert: file('cert'), key: file('key'), servername: null, verify: true };
  const upstreams = config.upstreams.map((upstream) => ({ ...upstream, tls }));
  const shown = redactConfig({ ...config, upstreams });
  assert.doesNotMatch(JSON.stringify(shown), /s3cret/);
  assert.deepEqual(shown.upstreams[0]?.tls?.key, { file: '/key', pem: hidden });
});

test('so are those of Redis', () => {
  const config = resolveText('routes: [{ path: /a, respond: { status: 204 } }]');
  const file = (name: string) => ({ file: `/${name}`, pem: 's3cret' });
  const tls = { ca: file('ca'), cert: null, key: null, servername: null, verify: true };
  const rateLimit = { ...config.rateLimit, redis: { ...config.rateLimit.redis, tls } };
  const shown = redactConfig({ ...config, rateLimit });
  assert.doesNotMatch(JSON.stringify(shown), /s3cret/);
  assert.deepEqual(shown.rateLimit.redis.tls?.ca, { file: '/ca', pem: hidden });
});

test('so are those of the listener', () => {
  const config = resolveText('routes: [{ path: /a, respond: { status: 204 } }]');
  const file = (name: string) => ({ file: `/${name}`, pem: 's3cret' });
  const certificates = [{ cert: file('cert'), key: file('key') }];
  const tls = { certificates, minVersion: 'TLSv1.2', clientCa: file('ca'), clientAuth: 'optional' } as const;
  const shown = redactConfig({ ...config, proxy: { ...config.proxy, tls } });
  assert.doesNotMatch(JSON.stringify(shown), /s3cret/);
  assert.deepEqual(shown.proxy.tls?.clientCa, { file: '/ca', pem: hidden });
});
