/** Asks on their way to the supervisor and back: what comes out is what each ask alone would have got. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import type { Ask } from '../../../src/contracts/limiter.ts';
import { judgeAsks, packAsks, unpackLevels } from '../../../src/limit/asks.ts';
import { BucketTable } from '../../../src/limit/bucket-table.ts';
import { judge } from '../../../src/limit/judge.ts';
import { ruleOf } from './rule-of.ts';

const rules = [
  ruleOf({ id: 'one', max: 2, windowMs: 1_000 }),
  ruleOf({ id: 'two', max: 3, windowMs: 7 }),
  ruleOf({ id: 'three', max: 1, windowMs: 60_000, isShadow: true }),
];

const someAsk: fc.Arbitrary<Ask> = fc
  .tuple(fc.subarray(rules, { minLength: 1 }), fc.constantFrom('a', 'b'))
  .map(([asked, client]) => ({ rules: asked, buckets: asked.map(({ id }) => `${id}|${client}`) }));

test('a batch is judged like its asks one after the other', () => {
  fc.assert(
    fc.property(fc.array(someAsk, { maxLength: 20 }), (asks) => {
      const alone = new BucketTable(100, 2);
      const expected = asks.map((ask) => judge(ask.rules, ask.buckets, alone, 5));
      const sent = deserialize(serialize(packAsks(asks))) as ReturnType<typeof packAsks>;
      const levels = judgeAsks(sent, new BucketTable(100, 2), 5);
      assert.deepEqual(unpackLevels(asks, levels), expected);
    }),
  );
});

test('a rule travels once for all asks that have it', () => {
  const ask = { rules: [rules[0] as (typeof rules)[0]], buckets: ['one|a'] };
  assert.deepEqual(packAsks([ask, ask, ask]), {
    rules: [2, 1_000, 0],
    sizes: [1, 1, 1],
    uses: [0, 0, 0],
    buckets: ['one|a', 'one|a', 'one|a'],
  });
});
