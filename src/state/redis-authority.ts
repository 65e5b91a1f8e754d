/** The authority for `backend: redis`: buckets that all nodes share. What Redis does not answer in time, `onError` decides. */
import type { RedisConfig } from '../contracts/config.ts';
import type { Admission, Ask, Levels, LimitAuthority } from '../contracts/limiter.ts';
import { BucketCall } from './bucket-call.ts';
import { placeBucket } from './bucket-keys.ts';
import type { RedisStore } from './redis-store.ts';
import { takeAcrossSlots } from './slots.ts';

export class RedisAuthority implements LimitAuthority {
  readonly #store: RedisStore;
  readonly #config: RedisConfig;
  readonly #local: LimitAuthority;

  /** `local`: whom `onError: local` asks. */
  constructor(store: RedisStore, config: RedisConfig, local: LimitAuthority) {
    this.#store = store;
    this.#config = config;
    this.#local = local;
  }

  async admit(batch: readonly Ask[]): Promise<readonly Admission[]> {
    if (this.#store.status === 'away') return this.#decideWithout(batch);
    const take = this.#config.cluster.length > 0 ? takeAcrossSlots : takeAtOnce;
    const taken = await take(batch, this.#store);
    const unanswered = batch.filter((_, i) => taken[i] === null);
    if (unanswered.length === 0) return taken as Levels[];
    const decided = await this.#decideWithout(unanswered);
    let next = 0;
    return taken.map((levels) => levels ?? (decided[next++] as Admission));
  }

  async #decideWithout(batch: readonly Ask[]): Promise<readonly Admission[]> {
    const { onError } = this.#config;
    if (onError === 'local') return this.#local.admit(batch);
    return batch.map(() => onError);
  }
}

/** One server holds all buckets: one call. Null: no answer. */
async function takeAtOnce(batch: readonly Ask[], store: RedisStore): Promise<readonly (Levels | null)[]> {
  const call = new BucketCall();
  for (const { rules, buckets } of batch) {
    const keys = buckets.map((bucket) => placeBucket(bucket).key);
    call.add('take', rules, keys);
  }
  return (await call.send(store, '0', store.begin())) ?? batch.map(() => null);
}
