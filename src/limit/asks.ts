/** Asks and their answers as they travel between a worker and the supervisor: few and flat values, since there are many of them. */
import type { AsksMessage } from '../contracts/ipc.ts';
import type { Ask, Levels, LimitRule } from '../contracts/limiter.ts';
import { type BucketStore, type JudgedRule, judge } from './judge.ts';

type PackedAsks = Omit<AsksMessage, 'type' | 'batch'>;

export function packAsks(asks: readonly Ask[]): PackedAsks {
  const indexes = new Map<LimitRule, number>();
  const packed = { rules: [] as number[], sizes: [] as number[], uses: [] as number[], buckets: [] as string[] };
  for (const { rules, buckets } of asks) {
    packed.sizes.push(rules.length);
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as LimitRule;
      let index = indexes.get(rule);
      if (index === undefined) {
        index = indexes.size;
        indexes.set(rule, index);
        packed.rules.push(rule.max, rule.windowMs, rule.isShadow ? 1 : 0);
      }
      packed.uses.push(index);
      packed.buckets.push(buckets[i] as string);
    }
  }
  return packed;
}

/** The levels of all asks, one after the other. */
export function judgeAsks(
  { rules: packed, sizes, uses, buckets }: PackedAsks,
  store: BucketStore,
  now: number,
): number[] {
  const rules: JudgedRule[] = [];
  for (let i = 0; i < packed.length; i += 3) {
    rules.push({ max: packed[i] as number, windowMs: packed[i + 1] as number, isShadow: packed[i + 2] === 1 });
  }
  const levels: number[] = [];
  let from = 0;
  for (const size of sizes) {
    const to = from + size;
    const asked = uses.slice(from, to).map((index) => rules[index] as JudgedRule);
    const answer = judge(asked, buckets.slice(from, to), store, now);
    for (let i = 0; i < size; i++) levels.push(answer[i] as number);
    from = to;
  }
  return levels;
}

/** The answer to each ask. */
export function unpackLevels(asks: readonly Ask[], levels: readonly number[]): Levels[] {
  let from = 0;
  return asks.map(({ rules }) => {
    const to = from + rules.length;
    const part = levels.slice(from, to);
    from = to;
    return part;
  });
}
