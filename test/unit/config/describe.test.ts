/** What a reload says that it changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeChanges, findRestarts } from '../../../src/config/describe.ts';
import { resolveText } from './load-text.ts';

function compare(old: string, next: string): { changes: readonly string[]; needsRestart: readonly string[] } {
  const [before, after] = [resolveText(old), resolveText(next)];
  return { ...describeChanges(before, after), needsRestart: findRestarts(before, after) };
}

const upstreams = 'upstreams: [{ name: a, url: "http://a" }, { name: b, url: "http://b" }]\n';

test('nothing has changed when only lines, comments and spellings have', () => {
  const old = `${upstreams}routes:\n  - { path: /a, upstream: a, timeout: 1s }\n`;
  const next = `# a comment\nproxy: { port: 3000 }\n${upstreams}\nroutes:\n\n  - path: /a\n    timeout: 1000\n    upstream: [{ name: a }]\n`;
  assert.deepEqual(compare(old, next), { changes: [], needsRestart: [] });
});

test('routes and upstreams that were added, removed and changed are named, with the keys that changed', () => {
  const old = `${upstreams}routes:\n  - { name: users, path: /u, upstream: a }\n  - { path: /old, upstream: b }\n`;
  const next =
    'upstreams: [{ name: a, url: "http://c", timeout: 5s }, { name: d, url: "http://d" }]\n' +
    'routes:\n  - { name: users, path: /u, upstream: d, maxBodySize: 1kb, request: { headers: { remove: [X] } } }\n  - { path: /new, upstream: a }\n';
  assert.deepEqual(compare(old, next).changes, [
    'upstream b removed',
    'upstream a changed: url, timeout',
    'upstream d added',
    'route /old removed',
    'route users changed: upstream, request.headers, maxBodySize',
    'route /new added',
  ]);
});

test('routes without a name are told apart by host, path, methods and headers', () => {
  const route = (more: string): string => `  - { path: /a, host: h.com, upstream: a, ${more} }\n`;
  const old = `${upstreams}routes:\n${route('methods: [GET]')}${route('methods: [POST], timeout: 1s')}`;
  const next = `${upstreams}routes:\n${route('methods: [GET]')}${route('methods: [POST], timeout: 2s')}`;
  assert.deepEqual(compare(old, next).changes, ['route h.com/a POST changed: timeout']);
});

test('the order of routes can matter, and is named', () => {
  const old = `${upstreams}routes: [{ path: /a, upstream: a }, { path: /b, upstream: b }]\n`;
  const next = `${upstreams}routes: [{ path: /b, upstream: b }, { path: /a, upstream: a }]\n`;
  assert.deepEqual(compare(old, next).changes, ['routes changed: their order']);
});

test('other sections are named with their keys, and never with their values', () => {
  const rest = `${upstreams}routes: [{ path: /a, upstream: [{ name: a }, { name: b }] }]\n`;
  const next = `proxy: { timeout: 1s, maxBodySize: 1kb }\nadmin: { token: s3cret }\nlogging: { level: debug }\n${rest}`;
  const { changes, needsRestart } = compare(rest, next);
  assert.deepEqual(changes, ['proxy changed: timeout, maxBodySize', 'admin changed: token', 'logging changed: level']);
  assert.deepEqual(needsRestart, ['admin']);
});

test('host, port, workers and admin need a restart', () => {
  const rest = `${upstreams}routes: [{ path: /a, upstream: [{ name: a }, { name: b }] }]\n`;
  const next = `proxy: { host: 127.0.0.1, port: 3001, workers: 77 }\nadmin: { port: 0 }\n${rest}`;
  assert.deepEqual(compare(rest, next).needsRestart, ['proxy.host', 'proxy.port', 'proxy.workers', 'admin']);
});
