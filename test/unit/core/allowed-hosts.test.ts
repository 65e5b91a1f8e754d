/** The hosts that upstreams may name: deny by default as soon as there is a list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileAllowedHosts } from '../../../src/core/allowed-hosts.ts';

const allows = compileAllowedHosts([
  'api.example.com',
  '*.Partners.example.com',
  '10.1.2.3',
  '2001:DB8::1',
  '0x7f.1',
  '*.dot.',
]);

for (const host of [
  'api.example.com',
  'API.example.com',
  'api.example.com.',
  'eu.partners.example.com',
  'a.b.partners.example.com',
  '10.1.2.3',
  '[2001:db8::1]',
  '2001:db8::1',
  '127.0.0.1',
  'a.dot',
]) {
  test(`${host} is on the list`, () => assert.ok(allows(host)));
}

for (const host of [
  'example.com',
  'xapi.example.com',
  'api.example.com.evil.test',
  'partners.example.com',
  '.partners.example.com',
  'evilpartners.example.com',
  '10.1.2.4',
  'dot',
  '',
]) {
  test(`"${host}" is not`, () => assert.ok(!allows(host)));
}

test('an empty list allows whatever the upstreams name', () => {
  assert.ok(compileAllowedHosts([])('anything.test'));
});
