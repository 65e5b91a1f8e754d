/** One call of the bucket script, put together from several asks. */
import type { Levels, LimitRule } from '../contracts/limiter.ts';
import { bucketScript } from './bucket-script.ts';
import type { RedisStore } from './redis-store.ts';

/** What an ask wants, as the script knows it. */
const modes = { take: 1, look: 0, give: -1 } as const;

export class BucketCall {
  readonly #places = new Map<string, number>();
  readonly #rules = new Map<LimitRule, number>();
  readonly #numbers: number[] = [];
  readonly #asks: number[][] = [];

  /** `keys`: of each rule the key of its bucket. */
  add(mode: keyof typeof modes, rules: readonly LimitRule[], keys: readonly string[]): void {
    const ask: number[] = [modes[mode]];
    for (let i = 0; i < rules.length; i++) {
      ask.push(this.#indexOf(rules[i] as LimitRule), this.#placeOf(keys[i] as string));
    }
    this.#asks.push(ask);
  }

  /** The levels of each ask, in the order in which they were added; null when there is no answer in time. */
  async send(store: RedisStore, tag: string): Promise<Levels[] | null> {
    const args = [JSON.stringify([this.#numbers, this.#asks])];
    const answer = await store.run({ script: bucketScript, keys: [...this.#places.keys()], args }, tag);
    if (answer === null) return null;
    const levels = answer as number[];
    let from = 0;
    return this.#asks.map((ask) => {
      const to = from + (ask.length - 1) / 2;
      const part = levels.slice(from, to);
      from = to;
      return part;
    });
  }

  #indexOf(rule: LimitRule): number {
    const known = this.#rules.get(rule);
    if (known !== undefined) return known;
    this.#numbers.push(rule.max, rule.windowMs, rule.isShadow ? 1 : 0);
    this.#rules.set(rule, this.#rules.size + 1);
    return this.#rules.size;
  }

  #placeOf(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.#places.size + 1);
    return this.#places.size;
  }
}
