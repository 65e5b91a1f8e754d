/** Keeps an eye on Redis for as long as the config in force uses it. */
import { isDeepStrictEqual } from 'node:util';
import type { RateLimitConfig, RedisConfig } from '../src/contracts/config.ts';
import type { Log } from '../src/contracts/log.ts';
import type { RedisStore } from '../src/state/redis-store.ts';
import type { HealthFacts } from './health.ts';

export class RedisPresence {
  readonly #log: Log;
  readonly #onChange: () => void;
  #watched: { readonly config: RedisConfig; readonly store: RedisStore } | null = null;
  #wanted: RedisConfig | null = null;

  constructor(log: Log, onChange: () => void) {
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Resolves when it is known whether Redis is there: after a second at most. */
  async follow({ backend, redis }: RateLimitConfig): Promise<void> {
    const wanted = backend === 'redis' ? redis : null;
    if (isDeepStrictEqual(wanted, this.#wanted)) return;
    this.#wanted = wanted;
    this.#watched?.store.close();
    this.#watched = null;
    if (wanted !== null) await this.#watch(wanted);
    this.#onChange();
  }

  /** Null: not used. */
  get facts(): HealthFacts['redis'] {
    if (this.#watched === null) return null;
    return { status: this.#watched.store.status, onError: this.#watched.config.onError };
  }

  async #watch(config: RedisConfig): Promise<void> {
    // Not loaded by those who have no Redis.
    const { connectRedis } = await import('../src/state/redis-store.ts');
    const store = await connectRedis(config, { log: this.#log, onChange: () => this.#onChange() });
    if (this.#wanted === config) this.#watched = { config, store };
    else store.close();
  }
}
