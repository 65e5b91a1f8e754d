/** What every policy of the table promises: shares by weight, only usable targets, and another one than those tried. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { UpstreamConfig } from '../../../../src/contracts/config.ts';
import type { Target } from '../../../../src/contracts/upstream.ts';
import type { Balancer, Candidate } from '../../../../src/upstream/balance/balancer.ts';
import { balancePolicies } from '../../../../src/upstream/balance/policies.ts';
import { candidatesWith, exchangeOf, seededRandom } from './targets.ts';

const names = Object.keys(balancePolicies) as UpstreamConfig['balance'][];
const manyClients = Array.from({ length: 20_000 }, (_, i) =>
  exchangeOf({ ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }),
);
const someone = exchangeOf();

for (const name of names) {
  const create = (all: readonly Candidate[]): Balancer => {
    const balancer = balancePolicies[name]({ hashOn: 'ip', all, random: seededRandom(7) });
    balancer.update(all);
    return balancer;
  };

  for (const weights of [[1], [1, 1], [3, 1], [1, 2, 3, 4], [1000, 1], Array.from({ length: 20 }, () => 5)]) {
    test(`${name}: many clients are shared by the weights ${weights.join()}`, () => {
      const all = candidatesWith(weights);
      const balancer = create(all);
      const counts = new Map<Target | null, number>();
      for (const x of manyClients) {
        const target = balancer.pick(x, []);
        counts.set(target, (counts.get(target) ?? 0) + 1);
      }
      const sum = weights.reduce((total, weight) => total + weight, 0);
      for (const { target, weight } of all) {
        const share = (counts.get(target) ?? 0) / manyClients.length;
        // A ring's shares are off by a sixteenth or so, sometimes by three times that; the others are exact or drawn.
        assert.ok(Math.abs(share - weight / sum) < 0.002 + 0.25 * (weight / sum), `${target.label}: ${share}`);
      }
    });
  }

  test(`${name}: never one that is not usable, and one that has not been tried while there is one`, () => {
    const weightLists = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
    const steps = fc.array(fc.record({ usable: fc.nat(255), tried: fc.nat(255), client: fc.nat(9999) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(weightLists, steps, (weights, list) => {
        const all = candidatesWith(weights);
        const balancer = create(all);
        for (const { usable, tried, client } of list) {
          const left = all.filter((_, i) => (usable & (1 << i)) !== 0);
          if (left.length === 0) continue;
          balancer.update(left);
          const avoid = all.filter((_, i) => (tried & (1 << i)) !== 0).map(({ target }) => target);
          const picked = balancer.pick(manyClients[client] ?? someone, avoid);
          const open = left.filter(({ target }) => !avoid.includes(target)).map(({ target }) => target as Target);
          if (open.length === 0) assert.equal(picked, null);
          else assert.ok(picked !== null && open.includes(picked));
        }
      }),
    );
  });
}
