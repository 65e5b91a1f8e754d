/** The authority for `backend: redis`: buckets that all nodes share. What Redis does not answer in time, `onError` decides. */
import type { RedisConfig } from '../contracts/config.ts';
import type { Admission, Ask, Levels, LimitAuthority } from '../contracts/limiter.ts';
import { BucketCall } from './bucket-call.ts';
import { placeBucket } from './bucket-keys.ts';
import type { Wait } from './patience.ts';
import type { RedisStore } from './redis-store.ts';
import { takeAcrossSlots } from './slots.ts';

/** Asks of one turn of the event loop. */
interface Turn {
  readonly asks: readonly Ask[];
  readonly resolve: (admissions: readonly Admission[]) => void;
  wait: Wait;
  isDecided: boolean;
}

export class RedisAuthority implements LimitAuthority {
  readonly #store: RedisStore;
  readonly #config: RedisConfig;
  readonly #local: LimitAuthority;
  /** What has come since Redis was asked. Never two calls at a time: a call costs more than the asks in it. */
  #queue: Turn[] = [];
  #isAsking = false;

  /** `local`: whom `onError: local` asks. */
  constructor(store: RedisStore, config: RedisConfig, local: LimitAuthority) {
    this.#store = store;
    this.#config = config;
    this.#local = local;
  }

  admit(asks: readonly Ask[]): Promise<readonly Admission[]> {
    if (this.#store.status === 'away') return this.#decideWithout(asks);
    return new Promise((resolve) => {
      const nothing = asks.map(() => null);
      const wait = this.#store.wait(() => this.#decide(turn, nothing));
      const turn: Turn = { asks, resolve, wait, isDecided: false };
      this.#queue.push(turn);
      if (!this.#isAsking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#queue.length > 0) {
      const turns = this.#queue.filter(({ isDecided }) => !isDecided);
      this.#queue = [];
      const taken = await this.#take(turns.flatMap(({ asks }) => asks));
      let from = 0;
      for (const turn of turns) {
        const to = from + turn.asks.length;
        this.#decide(turn, taken.slice(from, to));
        from = to;
      }
    }
    this.#isAsking = false;
  }

  #take(batch: readonly Ask[]): Promise<readonly (Levels | null)[]> {
    return this.#config.cluster.length > 0 ? takeAcrossSlots(batch, this.#store) : takeAtOnce(batch, this.#store);
  }

  /** By what Redis has answered, as far as it has; nobody waits for what comes after that. */
  #decide(turn: Turn, taken: readonly (Levels | null)[]): void {
    if (turn.isDecided) return;
    turn.isDecided = true;
    this.#store.endWait(turn.wait);
    if (taken.includes(null)) void this.#fillIn(turn.asks, taken).then(turn.resolve);
    else turn.resolve(taken as Levels[]);
  }

  async #fillIn(asks: readonly Ask[], taken: readonly (Levels | null)[]): Promise<readonly Admission[]> {
    const decided = await this.#decideWithout(asks.filter((_, i) => taken[i] === null));
    let next = 0;
    return taken.map((levels) => levels ?? (decided[next++] as Admission));
  }

  async #decideWithout(asks: readonly Ask[]): Promise<readonly Admission[]> {
    const { onError } = this.#config;
    if (onError === 'local') return this.#local.admit(asks);
    return asks.map(() => onError);
  }
}

/** One server holds all buckets: one call. Null: no answer. */
async function takeAtOnce(batch: readonly Ask[], store: RedisStore): Promise<readonly (Levels | null)[]> {
  if (batch.length === 0) return [];
  const call = new BucketCall();
  for (const { rules, buckets } of batch) {
    const keys = buckets.map((bucket) => placeBucket(store.prefix, bucket).key);
    call.add('take', rules, keys);
  }
  return (await call.send(store, '0')) ?? batch.map(() => null);
}
