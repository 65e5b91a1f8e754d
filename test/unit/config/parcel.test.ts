/** A config in pieces, and whole again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packConfig, unpackConfig } from '../../../src/config/parcel.ts';
import { resolveText } from './load-text.ts';

const routes = (count: number): string =>
  Array.from({ length: count }, (_, i) => `  - { path: "/r${i}", upstream: é }\n`).join('');
const text = (count: number): string =>
  `upstreams: [{ name: é, url: "http://a" }]\nroutes:${count === 0 ? ' []' : `\n${routes(count)}`}`;

test('what was packed is unpacked unchanged, with no, some and many routes', async () => {
  for (const count of [0, 1, 200, 201, 1_000]) {
    const config = resolveText(text(count));
    assert.deepEqual(await unpackConfig(packConfig(config)), config, `${count} routes`);
  }
});

test('a piece holds at most 200 routes', () => {
  assert.equal(packConfig(resolveText(text(0))).length, 1);
  assert.equal(packConfig(resolveText(text(200))).length, 2);
  assert.equal(packConfig(resolveText(text(201))).length, 3);
  for (const piece of packConfig(resolveText(text(1_000))).slice(1)) {
    assert.equal((JSON.parse(new TextDecoder().decode(piece)) as { routes: unknown[] }).routes.length, 200);
  }
});

test('thousands of keys travel in pieces too, in order', async () => {
  const config = resolveText(text(1));
  const keys = Array.from({ length: 4_001 }, (_, i) => ({ key: String(i).padStart(64, '0'), name: `client ${i}` }));
  const auth = { type: 'apiKey', header: 'X-API-Key', secret: 's', keys, keysFile: null } as const;
  const security = { ...config.security, auth: { ...auth, default: 'none', mode: 'enforce' } as const };
  const parcel = packConfig({ ...config, security });
  assert.equal(parcel.length, 5);
  assert.deepEqual(await unpackConfig(parcel), { ...config, security });
});

test('unpacking lets the event loop turn between two pieces', async () => {
  const parcel = packConfig(resolveText(text(1_000)));
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await unpackConfig(parcel);
  done = true;
  assert.ok(turns >= parcel.length - 2, `${turns} turns for ${parcel.length} pieces`);
});
