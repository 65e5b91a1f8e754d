/** Policies that the format knows and no code obeys yet: named by their key, each once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { findUnbuilt } from '../../../src/config/unbuilt.ts';
import { checkText } from './load-text.ts';

function unbuilt(text: string): string[] {
  const checked = checkText(text);
  return findUnbuilt(resolveConfig(checked, {}), checked.source, 'error').map(({ path }) => path);
}

const upstreams = 'upstreams: [{ name: a, url: "http://a" }, { name: b, builtin: echo }]\n';
const routes = 'routes: [{ path: /*, upstream: [{ name: a }, { name: b }] }]\n';
const good = upstreams + routes;

test('what is built is let through', () => {
  const text = `
proxy: { port: 0, workers: 2, traceToken: t, timeout: 5s, trustedProxies: [10.0.0.0/8], limits: { maxConnections: 5, maxConnectionsPerIp: 2 }, timeouts: { dns: 1s } }
admin: { port: 0, token: t }
security: { allowedHosts: [a], blockedIPs: [10.0.0.0/8], auth: { type: apiKey, default: required } }
rateLimit: { backend: redis, redis: { onError: open } }
overload: { maxConcurrent: 10, adaptive: true, mode: shadow }
logging: { level: warn, sampling: { successRate: 0.5 } }
telemetry: { otlp: { url: "http://c:4318", sampleRatio: 1, logs: false } }
upstreams:
  - { name: a, targets: [{ url: "https://a" }, { url: "https://b" }], tls: { servername: b }, retries: 0, circuitBreaker: { enabled: false }, healthCheck: {}, outlierDetection: {}, slowStart: 10s, maxConnections: 2, preserveHost: true }
  - { name: b, builtin: echo, balance: round-robin }
routes:
  - { path: /a/*, upstream: [{ name: a }, { name: b }], auth: { require: required, mode: shadow }, consumers: [A], rewrite: /x/*, priority: high, cors: { origins: ["*"] } }
  - { path: /b, respond: { status: 204 }, request: { headers: { set: { X-A: b } } } }
`;
  assert.deepEqual(unbuilt(text), []);
});

test('limits are kept, in memory and in Redis', () => {
  const limits =
    'rateLimit: { backend: redis, global: { max: 1, windowMs: 1 }, perRoute: [{ path: /a, max: 1, windowMs: 1, mode: shadow }] }';
  assert.deepEqual(
    unbuilt(`${limits}\n${good.replace('path: /*', 'path: /*, rateLimit: { max: 1, windowMs: 1 }')}`),
    [],
  );
});
