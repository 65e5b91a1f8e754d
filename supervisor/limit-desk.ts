/** The buckets of a client as operators look at them, whoever keeps them. */

import type { RateLimitConfig } from '../src/contracts/config.ts';
import type { ConfigParcel } from '../src/contracts/ipc.ts';
import type { LimitRule } from '../src/contracts/limiter.ts';
import { listRules } from '../src/limit/list-rules.ts';
import type { LimitOwner } from '../src/limit/owner.ts';
import { type BucketStanding, describeBucket } from '../src/limit/standing.ts';
import { runTask } from '../src/offload/pool.ts';
import type { RedisStore } from '../src/state/redis-store.ts';
import type { LimitKeeper } from './limit-keeper.ts';

export interface LimitDeskOptions {
  readonly keeper: LimitKeeper;
  /** Null: Redis is not used. */
  readonly redis: () => RedisStore | null;
  readonly config: () => { readonly parcel: ConfigParcel; readonly rateLimit: RateLimitConfig };
}

export interface LimitReport {
  /** Who keeps them now: `memory`, also while Redis is away and `onError` is `local`. */
  readonly keptIn: 'memory' | 'redis';
  /** Those that are not full. */
  readonly buckets: readonly BucketStanding[];
}

export class LimitDesk {
  readonly #options: LimitDeskOptions;

  constructor(options: LimitDeskOptions) {
    this.#options = options;
  }

  /** Null: Redis does not answer, and nobody stands in. */
  async look(owner: LimitOwner): Promise<LimitReport | null> {
    const rules = await this.#rulesOf(owner);
    const { keeper } = this.#options;
    const store = this.#storeInUse();
    if (store === 'nobody') return null;
    const levels = store === null ? keeper.look(rules, owner.whose) : await lookInRedis(store, rules, owner.whose);
    if (levels === null) return null;
    const standings = rules.map((rule, i) => describeBucket(rule, levels[i] ?? 0));
    return { keptIn: store === null ? 'memory' : 'redis', buckets: standings.filter((standing) => standing !== null) };
  }

  /** All buckets of the owner are full again. False: Redis does not answer and nobody stands in, or it says no. */
  async refill(owner: LimitOwner): Promise<boolean> {
    const rules = await this.#rulesOf(owner);
    const store = this.#storeInUse();
    if (store === 'nobody') return false;
    // What was kept here while Redis was away, too.
    this.#options.keeper.refill(rules, owner.whose);
    return store === null || (await dropInRedis(store, rules, owner.whose));
  }

  #storeInUse(): RedisStore | null | 'nobody' {
    const store = this.#options.redis();
    if (store === null || store.status === 'up') return store;
    return this.#options.config().rateLimit.redis.onError === 'local' ? null : 'nobody';
  }

  async #rulesOf(owner: LimitOwner): Promise<LimitRule[]> {
    const { global, perRoute, routes } = await runTask('listLimits', this.#options.config().parcel);
    return listRules({ global, perRoute }, routes).filter((rule) => owner.draws(rule));
  }
}

// Not loaded by those who have no Redis.
async function lookInRedis(store: RedisStore, rules: readonly LimitRule[], whose: string): Promise<number[] | null> {
  const { lookAtBuckets } = await import('../src/state/look-at-buckets.ts');
  return await lookAtBuckets(store, rules, whose);
}

async function dropInRedis(store: RedisStore, rules: readonly LimitRule[], whose: string): Promise<boolean> {
  const { dropBuckets } = await import('../src/state/look-at-buckets.ts');
  return await dropBuckets(store, rules, whose);
}
