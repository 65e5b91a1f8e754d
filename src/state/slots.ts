/**
 * Limits in a Redis Cluster: a call reaches one slot, and the limits of a request may lie in several. They are taken slot
 * after slot, those that all clients share at the end, since whoever is over its own limit shall not hold a token of
 * others meanwhile. When one refuses, what was taken is given back. The calls of all requests go side by side.
 */
import type { Ask, Levels, LimitRule } from '../contracts/limiter.ts';
import { BucketCall } from './bucket-call.ts';
import { placeBucket, type RedisBucket } from './bucket-keys.ts';
import type { RedisStore } from './redis-store.ts';

/** The answer to each ask; null: not all of its slots have answered in time, and it has taken nothing that lasts. */
export async function takeAcrossSlots(batch: readonly Ask[], store: RedisStore): Promise<readonly (Levels | null)[]> {
  const asks = batch.map((ask) => new SlottedAsk(ask, store.prefix));
  for (;;) {
    const round = new Round();
    for (const ask of asks) ask.join(round);
    if (round.isEmpty) return asks.map(({ outcome }) => outcome);
    await round.send(store);
  }
}

/** The limits of an ask that lie in one slot. */
interface Part {
  readonly tag: string;
  readonly isShared: boolean;
  /** Where they stand in the ask. */
  readonly indexes: number[];
  readonly rules: LimitRule[];
  readonly keys: string[];
}

class SlottedAsk {
  readonly #parts: readonly Part[];
  readonly #levels: number[];
  /** Parts that have been asked. */
  #asked = 0;
  #state: 'taking' | 'undoing' | 'done' = 'taking';
  #isAnswered = true;

  constructor(ask: Ask, prefix: string) {
    this.#parts = partsOf(ask, prefix);
    // What is not heard of a limit counts as: nothing of it is in use.
    this.#levels = ask.rules.map(() => 0);
  }

  get outcome(): Levels | null {
    return this.#isAnswered ? this.#levels : null;
  }

  /** Puts the next of its questions into the round, if there is one left. */
  join(round: Round): void {
    if (this.#state === 'undoing') this.#undo(round);
    if (this.#state !== 'taking') return;
    const part = this.#parts[this.#asked];
    if (part === undefined) this.#state = 'done';
    else round.ask('take', part.tag, part.rules, part.keys, (levels) => this.#taken(part, levels));
  }

  #taken(part: Part, levels: Levels | null): void {
    if (levels === null) this.#isAnswered = false;
    else this.#note(part, levels);
    const isRefused = levels === null || part.rules.some(({ isShadow }, i) => !isShadow && (levels[i] as number) < 0);
    if (isRefused) this.#state = 'undoing';
    else this.#asked++;
  }

  /** Gives back what the parts before have taken, and looks how it stands with those behind: clients are told. */
  #undo(round: Round): void {
    this.#state = 'done';
    for (const part of this.#parts.slice(0, this.#asked)) this.#giveBack(part, round);
    if (!this.#isAnswered) return;
    for (const part of this.#parts.slice(this.#asked + 1)) {
      round.ask('look', part.tag, part.rules, part.keys, (levels) => levels !== null && this.#note(part, levels));
    }
  }

  /** A shadowed limit that had no token has given none. */
  #giveBack({ tag, indexes, rules, keys }: Part, round: Round): void {
    const took = indexes.map((index) => (this.#levels[index] as number) >= 0);
    const isTaken = (_: unknown, i: number): boolean => took[i] === true;
    round.ask('give', tag, rules.filter(isTaken), keys.filter(isTaken), () => {});
    for (const [i, index] of indexes.entries()) {
      if (took[i] === true) this.#levels[index] = (this.#levels[index] as number) - (rules[i] as LimitRule).windowMs;
    }
  }

  #note({ indexes }: Part, levels: Levels): void {
    for (const [i, index] of indexes.entries()) this.#levels[index] = levels[i] as number;
  }
}

/** What is asked at the same time: one call for each slot. */
class Round {
  readonly #calls = new Map<
    string,
    { readonly call: BucketCall; readonly listeners: ((levels: Levels | null) => void)[] }
  >();

  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  ask(
    mode: Parameters<BucketCall['add']>[0],
    tag: string,
    rules: readonly LimitRule[],
    keys: readonly string[],
    onAnswer: (levels: Levels | null) => void,
  ): void {
    let slot = this.#calls.get(tag);
    if (slot === undefined) {
      slot = { call: new BucketCall(), listeners: [] };
      this.#calls.set(tag, slot);
    }
    slot.call.add(mode, rules, keys);
    slot.listeners.push(onAnswer);
  }

  async send(store: RedisStore): Promise<void> {
    const sent = [...this.#calls].map(async ([tag, { call, listeners }]) => {
      const levels = await call.send(store, tag);
      for (const [i, onAnswer] of listeners.entries()) onAnswer(levels === null ? null : (levels[i] as Levels));
    });
    await Promise.all(sent);
  }
}

function partsOf({ rules, buckets }: Ask, prefix: string): Part[] {
  const parts = new Map<string, Part>();
  for (const [i, bucket] of buckets.entries()) {
    const { tag, key, isShared }: RedisBucket = placeBucket(prefix, bucket);
    let part = parts.get(tag);
    if (part === undefined) {
      part = { tag, isShared, indexes: [], rules: [], keys: [] };
      parts.set(tag, part);
    }
    part.indexes.push(i);
    part.rules.push(rules[i] as LimitRule);
    part.keys.push(key);
  }
  return [...parts.values()].sort((a, b) => Number(a.isShared) - Number(b.isShared));
}
