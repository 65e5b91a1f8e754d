/** From a file to a parcel for the workers, in the caller's thread and in one of the pool. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type LoadOptions, loadConfig } from '../../../src/config/load.ts';
import { loadConfigInThread } from '../../../src/config/load-in-thread.ts';
import { unpackConfig } from '../../../src/config/parcel.ts';
import { formatProblem } from '../../../src/config/problem.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function options(text: string, more: Partial<LoadOptions> = {}): LoadOptions {
  const file = join(folder, `${files++}.yml`);
  writeFileSync(file, text);
  return { file, env: {}, strict: false, ...more };
}

const good =
  'proxy: { port: "${PORT:-4000}" }\nupstreams: [{ name: a, url: "http://a" }]\nroutes: [{ name: all, path: /*, upstream: a }]\n';

test('a good file gives a summary and a parcel', async () => {
  const loaded = await loadConfig(options(good));
  assert.ok(loaded.ok);
  assert.equal(loaded.summary.proxy.port, 4000);
  assert.deepEqual(loaded.summary.routes, ['all']);
  assert.deepEqual(
    loaded.summary.upstreams.map(({ name }) => name),
    ['a'],
  );
  assert.equal((await unpackConfig(loaded.parcel)).routes[0]?.name, 'all');
  assert.deepEqual(loaded.warnings, []);
});

test('a bad file gives its problems', async () => {
  const loaded = await loadConfig(options('routes: [{ path: /*, upstream: a }]\n'));
  assert.ok(!loaded.ok);
  assert.deepEqual(
    loaded.problems.map(({ path }) => path),
    ['routes[0].upstream'],
  );
});

test('thousands of problems come as two thousand and a word about the rest', async () => {
  const routes = Array.from({ length: 3_000 }, (_, i) => `  - { path: "/${i}", upstream: nowhere }\n`).join('');
  const loaded = await loadConfig(options(`routes:\n${routes}`));
  assert.ok(!loaded.ok);
  assert.equal(loaded.problems.length, 2_001);
  assert.match(loaded.problems.map(formatProblem).at(-1) ?? '', /has 1000 more problems/);
});

test('a thread gives the same, and says what changed since the config in force', async () => {
  const first = await loadConfigInThread(options(good));
  assert.ok(first.ok);
  assert.deepEqual(first.changes, []);
  const next = good.replace('PORT:-4000', 'PORT:-4001').replace('http://a', 'http://b');
  const second = await loadConfigInThread(options(next), first.parcel);
  assert.ok(second.ok);
  assert.deepEqual(second.changes, ['proxy changed: port', 'upstream a changed: url']);
  const bad = await loadConfigInThread(options('hello'), first.parcel);
  assert.ok(!bad.ok);
});

test('the environment reaches the thread', async () => {
  const loaded = await loadConfigInThread(options(good, { env: { ...process.env, PORT: '4711' } }));
  assert.equal(loaded.ok && loaded.summary.proxy.port, 4711);
});

test('while a thread reads 5,000 routes, the event loop of the caller turns', async () => {
  const routes = Array.from({ length: 5_000 }, (_, i) => `  - { path: "/r${i}/*", upstream: a }\n`).join('');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const loaded = await loadConfigInThread(options(`upstreams: [{ name: a, url: "http://a" }]\nroutes:\n${routes}`));
  clearInterval(timer);
  assert.ok(loaded.ok);
  assert.equal(loaded.summary.routes.length, 5_000);
  assert.equal(loaded.parcel.length, 26);
  assert.ok(turns > 5, `${turns} turns`);
});
