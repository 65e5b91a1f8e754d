/** A part of the bucket table: names in a Map, numbers in one typed array. */
import type { Rate } from '../contracts/limiter.ts';
import { waitForAll } from './bucket.ts';
import type { BucketState } from './judge.ts';

/** Numbers of a bucket, in this order: used, at, windowMs, max. */
const stride = 4;
const firstRoom = 16;
/** How many of the oldest are compared when one has to go. */
const candidates = 4;

export class BucketShard {
  readonly #max: number;
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  #numbers = new Float64Array(firstRoom * stride);
  readonly #state: BucketState = { used: 0, at: 0, windowMs: 0 };

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#places.size;
  }

  read(bucket: string): Readonly<BucketState> | null {
    const place = this.#places.get(bucket);
    if (place === undefined) return null;
    this.#state.used = this.#numbers[place] as number;
    this.#state.at = this.#numbers[place + 1] as number;
    this.#state.windowMs = this.#numbers[place + 2] as number;
    return this.#state;
  }

  write(bucket: string, used: number, at: number, { max, windowMs }: Rate): void {
    const place = this.#places.get(bucket) ?? this.#add(bucket, at);
    this.#numbers[place] = used;
    this.#numbers[place + 1] = at;
    this.#numbers[place + 2] = windowMs;
    this.#numbers[place + 3] = max;
  }

  sweep(now: number): void {
    for (const [bucket, place] of this.#places) if (this.#fullAt(place) <= now) this.#remove(bucket, place);
  }

  #add(bucket: string, now: number): number {
    if (this.#places.size >= this.#max) this.#evict(now);
    const place = this.#free.pop() ?? this.#places.size * stride;
    if (place === this.#numbers.length) this.#grow();
    this.#places.set(bucket, place);
    return place;
  }

  /**
   * Of the oldest few the one that would be full again first: that forgives least. The others go to the end of the line,
   * or those who have used up a long limit would soon be all that is compared.
   */
  #evict(now: number): void {
    const oldest = [...this.#places.entries().take(candidates)];
    let [victim, victimPlace] = oldest[0] as [string, number];
    for (const [bucket, place] of oldest) {
      if (this.#fullAt(place) < this.#fullAt(victimPlace)) [victim, victimPlace] = [bucket, place];
    }
    this.#remove(victim, victimPlace);
    for (const [bucket, place] of oldest) {
      if (bucket === victim) continue;
      this.#places.delete(bucket);
      if (this.#fullAt(place) <= now) this.#free.push(place);
      else this.#places.set(bucket, place);
    }
  }

  #remove(bucket: string, place: number): void {
    this.#places.delete(bucket);
    this.#free.push(place);
  }

  #fullAt(place: number): number {
    const numbers = this.#numbers;
    const rate = { max: numbers[place + 3] as number, windowMs: numbers[place + 2] as number };
    return (numbers[place + 1] as number) + waitForAll(numbers[place] as number, rate);
  }

  #grow(): void {
    const grown = new Float64Array(this.#numbers.length * 2);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }
}
