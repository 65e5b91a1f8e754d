/**
 * Whether Redis is there, as this node tells it: away as long as one of its processes finds it so. Each has a connection of
 * its own; the supervisor's is there from before the first worker to after the last.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RateLimitConfig, RedisConfig } from '../src/contracts/config.ts';
import type { Log } from '../src/contracts/log.ts';
import type { RedisStatus } from '../src/state/presence.ts';
import type { RedisStore } from '../src/state/redis-store.ts';
import type { HealthFacts } from './health.ts';

/** The supervisor among those who look; workers have ids. */
const self = 'supervisor';
type Looker = typeof self | number;

export class RedisPresence {
  readonly #log: Log;
  readonly #onChange: () => void;
  #wanted: RedisConfig | null = null;
  #store: RedisStore | null = null;
  /** Who finds it away, of those that have said something since it is used. */
  readonly #missing = new Set<Looker>();
  #status: RedisStatus | null = null;

  constructor(log: Log, onChange: () => void) {
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Resolves when it is known whether Redis is there: after a second at most. */
  async follow({ backend, redis }: RateLimitConfig): Promise<void> {
    const wanted = backend === 'redis' ? redis : null;
    if (isDeepStrictEqual(wanted, this.#wanted)) return;
    this.#wanted = wanted;
    this.#store?.close();
    this.#store = null;
    this.#missing.clear();
    this.#status = null;
    if (wanted !== null) await this.#watch(wanted);
    else this.#onChange();
  }

  /** What one of the processes has found. */
  hear(who: Looker, status: RedisStatus, reason: string): void {
    if (status === 'away') this.#missing.add(who);
    else this.#missing.delete(who);
    this.#conclude(reason);
  }

  /** This process is no more. */
  forget(who: Looker): void {
    if (this.#missing.delete(who)) this.#conclude('');
  }

  /** The supervisor's own connection. Null: not used. */
  get store(): RedisStore | null {
    return this.#store;
  }

  /** Null: not used. */
  get facts(): HealthFacts['redis'] {
    if (this.#wanted === null || this.#status === null) return null;
    return { status: this.#status, onError: this.#wanted.onError };
  }

  async #watch(config: RedisConfig): Promise<void> {
    // Not loaded by those who have no Redis.
    const { RedisStore } = await import('../src/state/redis-store.ts');
    if (this.#wanted !== config) return;
    const store = new RedisStore(config, (status, reason) => {
      if (this.#store === store) this.hear(self, status, reason);
    });
    this.#store = store;
    await store.started;
  }

  #conclude(reason: string): void {
    if (this.#wanted === null) return;
    const status = this.#missing.size === 0 ? 'up' : 'away';
    if (this.#status === status) return;
    const isFirst = this.#status === null;
    this.#status = status;
    const { onError } = this.#wanted;
    if (status === 'away') this.#log.warn({ reason, onError }, awayMessages[onError]);
    else this.#log.info({}, isFirst ? 'Redis is up' : 'Redis is back');
    this.#onChange();
  }
}

const awayMessages: { readonly [O in RedisConfig['onError']]: string } = {
  local: 'Redis is away: each node keeps its limits by itself',
  open: 'Redis is away: no limits are kept',
  closed: 'Redis is away: limited requests are refused, and the gateway is not ready',
};
