/** What a good file means: defaults, short forms, units and references. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { checkConfig } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { readConfigFile } from '../../../src/config/read.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { createAuthority } from '../../support/certificates.ts';
import { resolveText } from './load-text.ts';

const one = (upstream: string): string =>
  `upstreams:\n  - { name: a, ${upstream} }\nroutes: [{ path: /*, upstream: a }]\n`;
const two = (route: string): string =>
  `upstreams: [{ name: a, url: "http://a" }, { name: b, url: "http://b" }]\nroutes:\n  - { path: /*, ${route} }\n`;

test('everything that a file leaves out has the default of the contract', () => {
  const config = resolveText(one('url: "http://a"'));
  assert.deepEqual(config.proxy, {
    host: '0.0.0.0',
    port: 3000,
    workers: availableParallelism(),
    timeoutMs: 30_000,
    maxBodyBytes: 10 * 1024 * 1024,
    maxHeaderBytes: 16 * 1024,
    maxHeaders: 100,
    maxUrlBytes: 8 * 1024,
    trustedProxies: [],
    timeouts: { connectMs: 3_000, dnsMs: 2_000, headersMs: 10_000, idleMs: 65_000 },
    dns: { servers: [] },
    limits: { maxConnections: 10_000, maxConnectionsPerIp: 0 },
    shutdown: { delayMs: 5_000, timeoutMs: 20_000 },
    endpoints: { health: true, metrics: true },
    tls: null,
    traceToken: null,
  });
  assert.deepEqual(config.admin, { host: '127.0.0.1', port: 9901, token: null });
  assert.deepEqual(config.security, { allowedHosts: [], blockedIPs: [], auth: null });
  assert.deepEqual(config.rateLimit, {
    backend: 'memory',
    redis: {
      url: 'redis://localhost:6379',
      onError: 'local',
      sentinels: [],
      sentinelName: null,
      cluster: [],
      prefix: 'sluice',
      tls: null,
    },
    global: null,
    perRoute: [],
  });
  assert.deepEqual(config.overload, {
    configured: false,
    maxConcurrent: 1_000,
    maxEventLoopDelayMs: 200,
    maxMemory: 0.9,
    adaptive: false,
    mode: 'enforce',
  });
  assert.deepEqual(config.logging, {
    level: 'info',
    format: null,
    query: false,
    sampling: { successRate: 1, errorRate: 1 },
  });
  assert.deepEqual(config.telemetry, { otlp: null });
});

test('an upstream has the defaults of the contract', () => {
  assert.deepEqual(resolveText(one('url: "http://a"')).upstreams, [
    {
      name: 'a',
      targets: [{ url: 'http://a', weight: 1 }],
      builtin: null,
      balance: 'least-requests',
      hashOn: null,
      timeoutMs: 10_000,
      retries: {
        attempts: 0,
        on: ['connect', 'reset', 'timeout', '502', '503', '504'],
        methods: ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'],
        backoff: { baseMs: 50, maxMs: 1_000 },
        budget: 0.2,
        maxBodyBytes: 64 * 1024,
      },
      circuitBreaker: null,
      healthCheck: null,
      outlierDetection: null,
      slowStartMs: 0,
      maxConnections: 256,
      maxPending: 1_024,
      preserveHost: false,
      tls: null,
    },
  ]);
});

test('policies that are there but empty have their own defaults', () => {
  const [upstream] = resolveText(
    one('url: "http://a", circuitBreaker: {}, healthCheck: {}, retries: { attempts: 2 }'),
  ).upstreams;
  assert.deepEqual(upstream?.circuitBreaker, {
    enabled: true,
    failureThreshold: 50,
    minimumRequests: 20,
    windowMs: 10_000,
    openDurationMs: 30_000,
    failOn: ['connect', 'reset', 'timeout', 'protocol', '5xx'],
    mode: 'enforce',
  });
  assert.deepEqual(upstream?.healthCheck, {
    path: '/healthz',
    intervalMs: 10_000,
    timeoutMs: 2_000,
    healthy: 2,
    unhealthy: 3,
  });
  assert.equal(upstream?.retries.attempts, 2);
  assert.equal(resolveText(`overload: {}\n${one('builtin: echo')}`).overload.configured, true);
});

test('a url becomes an origin and a base path without a slash at its end', () => {
  const urls = ['http://A.example:80/', 'https://a:443/base/', 'http://[::1]:8080//', 'HTTP://a/b%20c'];
  const targets = urls.map((url) => resolveText(one(`url: "${url}"`)).upstreams[0]?.targets[0]?.url);
  assert.deepEqual(targets, ['http://a.example', 'https://a/base', 'http://[::1]:8080', 'http://a/b%20c']);
});

test('a route has nothing that it did not ask for', () => {
  assert.deepEqual(resolveText(two('upstream: a')).routes, [
    {
      name: null,
      path: '/*',
      host: null,
      methods: null,
      headers: [],
      upstreams: [{ name: 'a', weight: 1 }],
      sticky: null,
      fallback: null,
      auth: null,
      consumers: null,
      timeoutMs: null,
      tryTimeoutMs: null,
      rateLimit: null,
      priority: 'normal',
      stripPrefix: null,
      rewrite: null,
      requestHeaders: { set: [], add: [], remove: [] },
      responseHeaders: { set: [], add: [], remove: [] },
      validate: null,
      maxBodyBytes: null,
      cors: null,
      respond: null,
      preserveHost: null,
      source: 'config/proxy.yml:3',
    },
  ]);
});

test('short forms and long forms mean the same', () => {
  const [short] = resolveText(two('upstream: a, auth: required, consumers: [x]')).routes;
  const [long] = resolveText(
    two('upstream: [{ name: a }], auth: { require: required }, consumers: { allow: [x], mode: enforce }'),
  ).routes;
  assert.deepEqual(long, short);
  const [shadow] = resolveText(
    two('upstream: a, auth: { require: optional, mode: shadow }, consumers: { allow: [], mode: shadow }'),
  ).routes;
  assert.deepEqual(shadow?.auth, { require: 'optional', mode: 'shadow' });
  assert.deepEqual(shadow?.consumers, { allow: [], mode: 'shadow' });
});

test('weighted upstreams keep their weights, 1 where none is given', () => {
  const [route] = resolveText(two('upstream: [{ name: a, weight: 90 }, { name: b }]')).routes;
  assert.deepEqual(route?.upstreams, [
    { name: 'a', weight: 90 },
    { name: 'b', weight: 1 },
  ]);
});

test('durations, sizes and shares may be numbers or text', () => {
  const config = resolveText(
    `proxy: { timeout: 1500, maxBodySize: 1000, timeouts: { idle: 2m } }\noverload: { maxMemory: 0.5 }\nlogging: { sampling: { successRate: 10% } }\n${two('upstream: a, timeout: 0, maxBodySize: 1MB, cors: { maxAge: 10m }')}`,
  );
  assert.equal(config.proxy.timeoutMs, 1_500);
  assert.equal(config.proxy.maxBodyBytes, 1_000);
  assert.equal(config.proxy.timeouts.idleMs, 120_000);
  assert.equal(config.overload.maxMemory, 0.5);
  assert.equal(config.logging.sampling.successRate, 0.1);
  assert.equal(config.routes[0]?.timeoutMs, 0);
  assert.equal(config.routes[0]?.maxBodyBytes, 1_048_576);
  assert.equal(config.routes[0]?.cors?.maxAgeSeconds, 600);
});

test('a reference in the place of a number, a boolean or a word is converted', () => {
  const text = `proxy: { port: "\${PORT:-3000}", workers: "\${N}", timeout: "\${T}", endpoints: { metrics: "\${M}" } }\nlogging: { level: "\${L}" }\n${one('url: "http://${H}:${P}"')}`;
  const config = resolveText(text, { N: '3', T: '1500', M: 'false', L: 'debug', H: 'b', P: '81' });
  assert.equal(config.proxy.port, 3000);
  assert.equal(config.proxy.workers, 3);
  assert.equal(config.proxy.timeoutMs, 1_500);
  assert.equal(config.proxy.endpoints.metrics, false);
  assert.equal(config.logging.level, 'debug');
  assert.equal(config.upstreams[0]?.targets[0]?.url, 'http://b:81');
});

test('what comes out of a reference stays text, whatever it looks like', () => {
  const text = `admin: { token: "\${T}" }\n${two('upstream: a, request: { headers: { set: { X-A: "${T}" } } }')}`;
  const config = resolveText(text, { T: '{ a: 1, b: [null, *x] }' });
  assert.equal(config.admin.token, '{ a: 1, b: [null, *x] }');
  assert.deepEqual(config.routes[0]?.requestHeaders.set, [{ name: 'X-A', value: '{ a: 1, b: [null, *x] }' }]);
  assert.equal(resolveText(`admin: { token: "\${T}" }\n${one('builtin: echo')}`, { T: 'null' }).admin.token, 'null');
});

test('REDIS_URL replaces the url of Redis, an empty one does not', () => {
  const text = `rateLimit: { backend: redis, redis: { url: "redis://a:1" } }\n${one('builtin: echo')}`;
  assert.equal(resolveText(text).rateLimit.redis.url, 'redis://a:1');
  assert.equal(resolveText(text, { REDIS_URL: '' }).rateLimit.redis.url, 'redis://a:1');
  assert.equal(resolveText(text, { REDIS_URL: 'rediss://:pw@b:2/0' }).rateLimit.redis.url, 'rediss://:pw@b:2/0');
});

test('limits have a mode of their own, or that of their section', () => {
  const text = `rateLimit:\n  mode: shadow\n  global: { max: 1, windowMs: 1s }\n  perRoute: [{ path: /a, max: 2, windowMs: 1m, mode: enforce, message: slow }]\n${two('upstream: a, rateLimit: { max: 3, windowMs: 1000, key: "header:X-A" }')}`;
  const config = resolveText(text);
  assert.deepEqual(config.rateLimit.global, { max: 1, windowMs: 1_000, key: 'client', message: null, mode: 'shadow' });
  assert.deepEqual(config.rateLimit.perRoute, [
    { path: '/a', max: 2, windowMs: 60_000, key: 'client', message: 'slow', mode: 'enforce' },
  ]);
  assert.deepEqual(config.routes[0]?.rateLimit, {
    max: 3,
    windowMs: 1_000,
    key: 'header:X-A',
    message: null,
    mode: 'enforce',
  });
});

test('header conditions and edits keep their text; the names of conditions are in lower case', () => {
  const [route] = resolveText(
    two(
      'upstream: a, headers: { X-Beta: 1, x-on: true, x-v: 1.0 }, response: { headers: { add: { X-A: "b" }, remove: [Server] } }',
    ),
  ).routes;
  assert.deepEqual(route?.headers, [
    { name: 'x-beta', value: '1' },
    { name: 'x-on', value: 'true' },
    { name: 'x-v', value: '1.0' },
  ]);
  assert.deepEqual(route?.responseHeaders, { set: [], add: [{ name: 'X-A', value: 'b' }], remove: ['Server'] });
});

test('an answer of the gateway has its defaults, and no upstream', () => {
  const [route] = resolveText('routes: [{ path: /a, respond: { headers: { X-A: b } } }]').routes;
  assert.deepEqual(route?.respond, { status: 200, headers: [{ name: 'X-A', value: 'b' }], body: '' });
  assert.deepEqual(route?.upstreams, []);
});

test('anchors and aliases repeat values, and a section of comments only is none', () => {
  const config = resolveText(
    `proxy:\n  # nothing yet\nupstreams:\n  - { name: a, url: "http://a", healthCheck: &check { path: /up } }\n  - { name: b, url: "http://b", healthCheck: *check }\nroutes: [{ path: /*, upstream: [{ name: a }, { name: b }] }]\n`,
  );
  assert.deepEqual(config.upstreams[1]?.healthCheck, config.upstreams[0]?.healthCheck);
  assert.equal(config.upstreams[1]?.healthCheck?.path, '/up');
  assert.equal(config.proxy.port, 3000);
});

test('files beside the config are read with it: keys, schemas, certificates', async (t) => {
  const { ca } = await createAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-resolve-'));
  after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'keys.yml'), `keys:\n  - { key: "${'AB'.repeat(32)}", name: B }\n`);
  writeFileSync(join(folder, 'body.json'), '{ "type": "object", "const": "${x}" }');
  copyFileSync(ca, join(folder, 'ca.pem'));
  const file = join(folder, 'proxy.yml');
  const auth = `security: { auth: { type: apiKey, secret: s, keys: [{ key: "${'cd'.repeat(32)}", name: A }], keysFile: keys.yml } }`;
  const route = '{ path: /*, upstream: a, validate: { body: body.json, query: { type: object, minProperties: 1 } } }';
  writeFileSync(file, `${auth}\nupstreams: [{ name: a, url: "https://a", tls: { ca: ca.pem } }]\nroutes: [${route}]\n`);
  const read = readConfigFile(file);
  assert.ok(read.ok);
  const { checked, problems } = checkConfig(read.source, {}, false);
  assert.ok(checked !== null, problems.map(formatProblem).join('\n'));
  t.diagnostic(problems.map(formatProblem).join('\n'));
  const config = resolveConfig(checked, {});
  assert.deepEqual(config.security.auth?.keys, [
    { key: 'cd'.repeat(32), name: 'A' },
    { key: 'ab'.repeat(32), name: 'B' },
  ]);
  assert.equal(config.security.auth?.keysFile, resolve(folder, 'keys.yml'));
  assert.deepEqual(config.routes[0]?.validate?.body, { type: 'object', const: '${x}' });
  assert.equal(JSON.stringify(config.routes[0]?.validate?.query), '{"type":"object","minProperties":1}');
  assert.deepEqual(config.upstreams[0]?.tls?.ca, { file: resolve(folder, 'ca.pem'), pem: readFileSync(ca, 'latin1') });
});
