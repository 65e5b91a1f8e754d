/** The name that a mistyped one most likely meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNearest } from '../../../src/config/nearest.ts';

test('a letter too much, too few, wrong or swapped is forgiven, and so is the case', () => {
  const known = ['upstream', 'rateLimit', 'timeout', 'path'];
  assert.equal(findNearest('upstrem', known), 'upstream');
  assert.equal(findNearest('upstreams', known), 'upstream');
  assert.equal(findNearest('tiemout', known), 'timeout');
  assert.equal(findNearest('ratelimit', known), 'rateLimit');
  assert.equal(findNearest('pth', known), 'path');
  assert.equal(findNearest('retry', ['route', 'retries']), 'retries');
});

test('what is not near is not suggested', () => {
  assert.equal(findNearest('xyz', ['path', 'host']), null);
  assert.equal(findNearest('b', ['a']), null);
  assert.equal(findNearest('anything', []), null);
  assert.equal(findNearest('x'.repeat(10_000), ['x'.repeat(10_001)]), null);
});

test('of several near names the nearest wins', () => {
  assert.equal(findNearest('orders2', ['order', 'orders', 'orders22']), 'orders');
});
