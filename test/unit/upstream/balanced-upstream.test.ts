/** Who is picked when targets fail and come back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompiledRoute } from '../../../src/contracts/compiled.ts';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import type { TryPolicies } from '../../../src/contracts/upstream.ts';
import { BalancedUpstream } from '../../../src/upstream/balanced-upstream.ts';
import type { TargetPool } from '../../../src/upstream/connection-pool.ts';
import { FailureCount } from '../../../src/upstream/failure-count.ts';
import { UpstreamTarget } from '../../../src/upstream/upstream-target.ts';
import { warmth } from '../../../src/upstream/warmth.ts';
import { exchangeOf, seededRandom } from './balance/targets.ts';

const someone = exchangeOf();
someone.route = { priority: 'normal' } as CompiledRoute;
const urls = ['http://a', 'http://b'];
const policies = {} as TryPolicies;

function upstreamWith(
  more: Partial<UpstreamConfig> = {},
  complain = (): void => {},
  full = new Set<string>(),
): BalancedUpstream {
  const settings = { name: 'api', timeoutMs: 0, preserveHost: false, slowStartMs: 0, balance: 'random', hashOn: null };
  const targets = urls.map((url) => {
    const failures = new FailureCount(2, complain);
    const connections = { close: () => {}, hasRoom: () => !full.has(url) } as unknown as TargetPool;
    return new UpstreamTarget({ url, weight: 1, builtin: null, connections, failures });
  });
  return new BalancedUpstream(
    { ...settings, ...more } as UpstreamConfig,
    targets,
    new Set(),
    policies,
    seededRandom(1),
  );
}

function shareOfA(upstream: BalancedUpstream): number {
  const picks = Array.from({ length: 2_000 }, () => upstream.pick(someone, []));
  return picks.filter((target) => target === upstream.targets[0]).length / picks.length;
}

test('a faulty target gets nothing, and with none left nobody is picked', () => {
  const upstream = upstreamWith();
  assert.ok(Math.abs(shareOfA(upstream) - 0.5) < 0.1);
  upstream.setFaulty(new Set(['http://a']));
  assert.equal(shareOfA(upstream), 0);
  upstream.setFaulty(new Set(urls));
  assert.equal(upstream.pick(someone, []), 'none usable');
  upstream.setFaulty(new Set(['http://b']));
  assert.equal(shareOfA(upstream), 1);
});

test('where all usable targets have been tried, one of them is tried again', () => {
  const upstream = upstreamWith();
  const [a, b] = upstream.targets;
  assert.ok(a !== undefined && b !== undefined);
  assert.equal(upstream.pick(someone, [a]), b);
  assert.ok(typeof upstream.pick(someone, [a, b]) !== 'string');
  upstream.setFaulty(new Set(['http://b']));
  assert.equal(upstream.pick(someone, [a]), a);
});

test('a target without room is passed over, for one that has been tried if need be', () => {
  const full = new Set<string>();
  const upstream = upstreamWith({}, () => {}, full);
  const [a, b] = upstream.targets;
  assert.ok(a !== undefined && b !== undefined);
  full.add('http://a');
  assert.equal(shareOfA(upstream), 0);
  assert.equal(upstream.pick(someone, [b]), b);
  full.add('http://b');
  assert.equal(upstream.pick(someone, []), 'all full');
  full.delete('http://a');
  upstream.setFaulty(new Set(['http://a']));
  assert.equal(upstream.pick(someone, []), 'all full');
});

test('with slow start a target that comes back begins with a tenth of its share', () => {
  const upstream = upstreamWith({ slowStartMs: 3_600_000 });
  upstream.setFaulty(new Set(['http://a']));
  upstream.setFaulty(new Set());
  const share = shareOfA(upstream);
  assert.ok(share > 0.05 && share < 0.14, `${share}`);
  upstream.close();
});

test('one that comes back without slow start gets its share at once', () => {
  const upstream = upstreamWith();
  upstream.setFaulty(new Set(['http://a']));
  upstream.setFaulty(new Set());
  assert.ok(Math.abs(shareOfA(upstream) - 0.5) < 0.1);
});

test('the share grows evenly and stays whole', () => {
  assert.deepEqual(
    [0, 50, 100, 500, 999, 1_000, 5_000].map((ms) => warmth(ms, 1_000)),
    [0.1, 0.1, 0.1, 0.5, 0.999, 1, 1],
  );
});

test('failures from before a rest do not count after it', () => {
  let complaints = 0;
  const upstream = upstreamWith({}, () => complaints++);
  const [a] = upstream.targets;
  a?.ended('reset');
  upstream.setFaulty(new Set(['http://a']));
  upstream.setFaulty(new Set());
  a?.ended('reset');
  assert.equal(complaints, 0);
  a?.ended('reset');
  assert.equal(complaints, 1);
});
