/** The worker's connection to Redis, for as long as a config uses it, and the authority that keeps its limits there. */
import { isDeepStrictEqual } from 'node:util';
import type { RateLimitConfig, RedisConfig } from '../src/contracts/config.ts';
import type { LimitAuthority } from '../src/contracts/limiter.ts';
import type { RedisStatus } from '../src/state/presence.ts';
import type { RedisStore } from '../src/state/redis-store.ts';

/** Redis as one config describes it. */
export interface RedisLink {
  readonly config: RedisConfig;
  readonly store: RedisStore;
  readonly authority: LimitAuthority;
}

export class RedisLimits {
  readonly #local: LimitAuthority;
  readonly #tell: (status: RedisStatus, reason: string) => void;
  #current: RedisLink | null = null;

  /** `local`: the node's own authority. `tell` hears whether Redis is there, while it is used. */
  constructor(local: LimitAuthority, tell: (status: RedisStatus, reason: string) => void) {
    this.#local = local;
    this.#tell = tell;
  }

  /** Beside the one in use, unless that will do. Resolves when Redis has answered, or after a second. Null: no Redis is used. */
  async prepare({ backend, redis }: RateLimitConfig): Promise<RedisLink | null> {
    if (backend !== 'redis') return null;
    if (this.#current !== null && isDeepStrictEqual(this.#current.config, redis)) return this.#current;
    // Not loaded by those who have no Redis.
    const { RedisStore } = await import('../src/state/redis-store.ts');
    const { RedisAuthority } = await import('../src/state/redis-authority.ts');
    const store: RedisStore = new RedisStore(redis, (status, reason) => {
      if (this.#current?.store === store) this.#tell(status, reason);
    });
    await store.started;
    return { config: redis, store, authority: new RedisAuthority(store, redis, this.#local) };
  }

  /** Takes up what has been prepared, and lets go of what was there. */
  commit(next: RedisLink | null): LimitAuthority {
    if (next !== this.#current) {
      this.#current?.store.close();
      this.#current = next;
      if (next !== null) this.#tell(next.store.status, 'no answer');
    }
    return next === null ? this.#local : next.authority;
  }

  discard(link: RedisLink | null): void {
    if (link !== this.#current) link?.store.close();
  }
}
