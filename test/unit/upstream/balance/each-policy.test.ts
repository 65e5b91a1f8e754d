/** What is particular to each policy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Target } from '../../../../src/contracts/upstream.ts';
import { compileHashKey } from '../../../../src/core/hash-key.ts';
import { ConsistentHashBalancer } from '../../../../src/upstream/balance/consistent-hash.ts';
import { LeastRequestsBalancer } from '../../../../src/upstream/balance/least-requests.ts';
import { RoundRobinBalancer } from '../../../../src/upstream/balance/round-robin.ts';
import { candidatesWith, exchangeOf, seededRandom } from './targets.ts';

const someone = exchangeOf();
const clients = Array.from({ length: 2_000 }, (_, i) => exchangeOf({ ip: `10.0.${i >> 8}.${i & 255}` }));

test('round-robin: turns are mixed, not in blocks', () => {
  const all = candidatesWith([5, 1, 1]);
  const balancer = new RoundRobinBalancer(() => 0);
  balancer.update(all);
  const labels = all.map(({ target }) => target.label);
  const order = Array.from({ length: 7 }, () => labels.indexOf(balancer.pick(someone, [])?.label ?? ''));
  assert.deepEqual(order, [0, 0, 1, 0, 2, 0, 0]);
});

test('round-robin: workers do not all begin with the same target', () => {
  const all = candidatesWith([1, 1, 1, 1]);
  const random = seededRandom(3);
  const first = Array.from({ length: 100 }, () => {
    const balancer = new RoundRobinBalancer(random);
    balancer.update(all);
    return balancer.pick(someone, []);
  });
  assert.equal(new Set(first).size, 4);
});

test('round-robin: every window of as many picks as the weights add up to is shared exactly, from any start', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), fc.nat(), (weights, seed) => {
      const all = candidatesWith(weights);
      const balancer = new RoundRobinBalancer(seededRandom(seed));
      balancer.update(all);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      for (let i = 0; i < 10 * sum; i++) balancer.pick(someone, []);
      const counts = new Map<Target | null, number>();
      for (let i = 0; i < sum; i++) {
        const target = balancer.pick(someone, []);
        counts.set(target, (counts.get(target) ?? 0) + 1);
      }
      assert.deepEqual(
        all.map(({ target }) => counts.get(target)),
        weights,
      );
    }),
  );
});

test('least-requests: of two targets the less busy one, by its weight', () => {
  const all = candidatesWith([2, 1]);
  const [heavy, light] = all.map(({ target }) => target);
  const balancer = new LeastRequestsBalancer(seededRandom(1));
  balancer.update(all);
  const pickMany = () => Array.from({ length: 300 }, () => balancer.pick(someone, []));
  assert.ok(heavy !== undefined && light !== undefined);
  heavy.connections.inFlight = 9;
  light.connections.inFlight = 4;
  // 4 per weight against 4.5: the light one whenever both were drawn.
  assert.ok(pickMany().filter((target) => target === light).length > 150);
  heavy.connections.inFlight = 7;
  assert.ok(pickMany().filter((target) => target === heavy).length > 240);
  // Five, of which two are WebSockets.
  light.connections.inFlight = 3;
  light.connections.tunnels = 2;
  heavy.connections.inFlight = 9;
  assert.ok(pickMany().filter((target) => target === heavy).length > 240);
});

test('least-requests: requests that never end are shared by the weights, and a slow target gets few', () => {
  const all = candidatesWith([3, 1, 1]);
  const balancer = new LeastRequestsBalancer(seededRandom(5));
  balancer.update(all);
  for (let i = 0; i < 1_000; i++) {
    const target = balancer.pick(someone, []);
    const taken = all.find((candidate) => candidate.target === target);
    assert.ok(taken !== undefined);
    taken.target.connections.inFlight++;
  }
  const loads = all.map(({ target }) => target.connections.inFlight);
  for (const [i, share] of [600, 200, 200].entries()) assert.ok(Math.abs((loads[i] ?? 0) - share) < 25, loads.join());
});

test('consistent-hash: a key stays with its target while that is usable, and comes back to it', () => {
  const all = candidatesWith([1, 2, 1, 3, 1]);
  const balancer = new ConsistentHashBalancer(compileHashKey('ip'), all);
  balancer.update(all);
  const home = clients.map((x) => balancer.pick(x, []));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31 }), (mask) => {
      const usable = all.filter((_, i) => (mask & (1 << i)) !== 0);
      balancer.update(usable);
      const isUsable = (target: Target | null) => usable.some((candidate) => candidate.target === target);
      for (const [i, x] of clients.entries()) {
        const target = balancer.pick(x, []);
        assert.ok(isUsable(target));
        if (isUsable(home[i] ?? null)) assert.equal(target, home[i]);
      }
    }),
    { numRuns: 40 },
  );
  balancer.update(all);
  assert.deepEqual(
    clients.map((x) => balancer.pick(x, [])),
    home,
  );
});

test('consistent-hash: what one target leaves is spread over all others', () => {
  const all = candidatesWith([1, 1, 1, 1, 1]);
  const balancer = new ConsistentHashBalancer(compileHashKey('ip'), all);
  balancer.update(all);
  const [gone, ...rest] = all;
  const orphans = clients.filter((x) => balancer.pick(x, []) === gone?.target);
  balancer.update(rest);
  for (const { target } of rest) {
    const taken = orphans.filter((x) => balancer.pick(x, []) === target).length;
    assert.ok(taken > orphans.length / 8, `${taken} of ${orphans.length}`);
  }
});

test('consistent-hash: a target that the config adds takes keys, and no key moves between the others', () => {
  const all = candidatesWith(Array.from({ length: 10 }, () => 1));
  const before = new ConsistentHashBalancer(compileHashKey('ip'), all.slice(0, 9));
  before.update(all.slice(0, 9));
  const after = new ConsistentHashBalancer(compileHashKey('ip'), all);
  after.update(all);
  const added = all[9]?.target;
  const moved = clients.filter((x) => after.pick(x, []) !== before.pick(x, []));
  assert.ok(moved.every((x) => after.pick(x, []) === added));
  assert.ok(moved.length > 100 && moved.length < 320, `${moved.length}`);
});

test('consistent-hash: what is hashed, and the address where that is absent', () => {
  const all = candidatesWith(Array.from({ length: 50 }, () => 1));
  const pickBy = (hashOn: string) => {
    const balancer = new ConsistentHashBalancer(compileHashKey(hashOn), all);
    balancer.update(all);
    return (x: Parameters<typeof exchangeOf>[0]) => balancer.pick(exchangeOf(x), [])?.label;
  };
  const byHeader = pickBy('header:X-Tenant');
  assert.equal(byHeader({ headers: ['x-tenant', 'a'], ip: '10.0.0.1' }), byHeader({ headers: ['X-TENANT', 'a'] }));
  assert.notEqual(byHeader({ headers: ['x-tenant', 'a'] }), byHeader({ headers: ['x-tenant', 'b'] }));
  assert.equal(byHeader({ headers: ['x-tenants', 'a'] }), byHeader({}));
  const byConsumer = pickBy('consumer');
  assert.equal(byConsumer({ consumer: 'a', ip: '10.0.0.1' }), byConsumer({ consumer: 'a', ip: '10.0.0.2' }));
  assert.equal(byConsumer({}), pickBy('ip')({ consumer: 'a' }));
});

test('consistent-hash: a thousand targets are ready in time for a reload, and looked up in next to none', () => {
  const all = candidatesWith(Array.from({ length: 1_000 }, () => 1));
  const startedAt = performance.now();
  const balancer = new ConsistentHashBalancer(compileHashKey('ip'), all);
  const builtMs = performance.now() - startedAt;
  balancer.update(all.slice(0, 10));
  for (const x of clients) assert.ok(balancer.pick(x, []) !== null);
  // Some 20 ms on an idle machine.
  assert.ok(builtMs < 2_000, `${builtMs} ms`);
});
