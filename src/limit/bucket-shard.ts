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
  /** Where the search for a bucket to forget goes on. Kept, since a new one would have to step over all that has been deleted. */
  #oldest = this.#places.entries();
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
    const place = this.#places.get(bucket) ?? this.#add(bucket);
    this.#numbers[place] = used;
    this.#numbers[place + 1] = at;
    this.#numbers[place + 2] = windowMs;
    this.#numbers[place + 3] = max;
  }

  sweep(now: number): void {
    for (const [bucket, place] of this.#places) if (this.#fullAt(place) <= now) this.#remove(bucket, place);
  }

  #add(bucket: string): number {
    if (this.#places.size >= this.#max) this.#evict();
    const place = this.#free.pop() ?? this.#places.size * stride;
    if (place === this.#numbers.length) this.#grow();
    this.#places.set(bucket, place);
    return place;
  }

  /**
   * Of the oldest few the one that would be full again first: that forgives least. The others go to the end of the line with
   * the new one behind them, so that they will not be compared among themselves alone.
   */
  #evict(): void {
    let victim = this.#nextOldest();
    for (let i = 1; i < candidates; i++) {
      const other = this.#nextOldest();
      const spared = this.#fullAt(other[1]) < this.#fullAt(victim[1]) ? victim : other;
      victim = spared === other ? victim : other;
      this.#places.delete(spared[0]);
      this.#places.set(spared[0], spared[1]);
    }
    this.#remove(victim[0], victim[1]);
  }

  #nextOldest(): [bucket: string, place: number] {
    const next = this.#oldest.next();
    if (!next.done) return next.value;
    this.#oldest = this.#places.entries();
    return this.#oldest.next().value as [string, number];
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
