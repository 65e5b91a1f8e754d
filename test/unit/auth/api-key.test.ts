/** Whom an API key names, and which fields show none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileApiKey } from '../../../src/auth/api-key.ts';
import { createKeyDigest } from '../../../src/auth/key-digest.ts';
import type { Authenticator } from '../../../src/contracts/auth.ts';
import { apiKeyConfig, exchangeWith } from './exchange-with.ts';

const digestOf = createKeyDigest('secret');
const keys = [
  { key: digestOf('key-a'), name: 'A' },
  { key: digestOf('key-b'), name: 'B' },
  { key: digestOf('other-key-a'), name: 'A' },
];

function ask(authenticator: Authenticator, ...rawHeaders: readonly string[]): string {
  const x = exchangeWith(rawHeaders);
  const failure = authenticator.authenticate(x);
  assert.equal(x.consumer === '', failure !== null);
  return failure ?? `is ${x.consumer}`;
}

const authenticator = await compileApiKey(apiKeyConfig({ secret: 'secret', keys }));

const asked: readonly (readonly [rawHeaders: readonly string[], answer: string])[] = [
  [['X-API-Key', 'key-a'], 'is A'],
  [['x-api-key', 'key-b'], 'is B'],
  [['Host', 'a', 'X-API-KEY', 'other-key-a', 'Accept', '*/*'], 'is A'],
  [[], 'missing'],
  [['X-API-Keys', 'key-a', 'X_API_Key', 'key-a'], 'missing'],
  [['X-API-Key', ''], 'empty'],
  [['X-API-Key', 'key-c'], 'unknown'],
  [['X-API-Key', 'KEY-A'], 'unknown'],
  [['X-API-Key', digestOf('key-a')], 'unknown'],
  [['X-API-Key', 'k'.repeat(1025)], 'unknown'],
  [['X-API-Key', 'key-a', 'x-api-key', 'key-a'], 'repeated'],
  [['X-API-Key', '', 'x-api-key', 'key-a'], 'repeated'],
];

for (const [rawHeaders, answer] of asked) {
  test(`${JSON.stringify(rawHeaders).slice(0, 80)}: ${answer}`, () => {
    assert.equal(ask(authenticator, ...rawHeaders), answer);
  });
}

test('no value but the keys themselves names anybody', () => {
  const value = fc.oneof(fc.string(), fc.constantFrom(...keys.map(({ key }) => key)), fc.constant('key-a '));
  fc.assert(
    fc.property(value, (text) => {
      fc.pre(!['', 'key-a', 'key-b', 'other-key-a'].includes(text));
      assert.equal(ask(authenticator, 'X-API-Key', text), 'unknown');
    }),
  );
});

test('what is no digest matches nothing, not even itself; of a digest that is there twice the first counts', async () => {
  const odd = await compileApiKey(
    apiKeyConfig({ keys: [{ key: 'text', name: 'T' }, { key: digestOf('x').slice(1), name: 'U' }, ...keys] }),
  );
  for (const text of ['text', digestOf('x').slice(1), 'key-a']) assert.equal(ask(odd, 'X-API-Key', text), 'unknown');
  const twice = [...keys, { key: digestOf('key-a'), name: 'Later' }];
  assert.equal(ask(await compileApiKey(apiKeyConfig({ secret: 'secret', keys: twice })), 'X-API-Key', 'key-a'), 'is A');
});

test('thousands of keys are taken up in several turns of the event loop, and each is known', async () => {
  const plain = createKeyDigest(null);
  const many = Array.from({ length: 10_000 }, (_, i) => ({ key: plain(`key-${i}`), name: `client ${i}` }));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const large = await compileApiKey(apiKeyConfig({ keys: many }));
  clearInterval(timer);
  assert.ok(turns > 0);
  for (const i of [0, 1_999, 2_000, 9_999]) assert.equal(ask(large, 'X-API-Key', `key-${i}`), `is client ${i}`);
});
