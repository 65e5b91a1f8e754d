/** Draws a target by weight. It has no memory, so that any number of workers and nodes share the load alike. */
import type { Exchange } from '../../contracts/exchange.ts';
import type { Target } from '../../contracts/upstream.ts';
import type { Balancer, Candidate } from './balancer.ts';

export class RandomBalancer implements Balancer {
  readonly #draw: WeightedDraw;

  constructor(random: () => number) {
    this.#draw = new WeightedDraw(random);
  }

  update(usable: readonly Candidate[]): void {
    this.#draw.update(usable);
  }

  pick(_x: Exchange, avoid: readonly Target[]): Target | null {
    return this.#draw.draw(avoid)?.target ?? null;
  }
}

export class WeightedDraw {
  readonly #random: () => number;
  #candidates: readonly Candidate[] = [];
  /** The sum of the weights up to each candidate, itself included. */
  #bounds = new Float64Array(0);

  /** 0 ≤ random() < 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  get size(): number {
    return this.#candidates.length;
  }

  update(candidates: readonly Candidate[]): void {
    let sum = 0;
    this.#candidates = candidates;
    this.#bounds = Float64Array.from(candidates, ({ weight }) => (sum += weight));
  }

  draw(avoid: readonly Target[]): Candidate | null {
    return avoid.length === 0 ? this.#drawAny() : this.#drawExcept(avoid);
  }

  /** The first bound above the number drawn, by halving. */
  #drawAny(): Candidate | null {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length - 1;
    const drawn = this.#random() * (bounds[high] ?? 0);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] as number) > drawn) high = middle;
      else low = middle + 1;
    }
    return this.#candidates[low] ?? null;
  }

  #drawExcept(avoid: readonly Target[]): Candidate | null {
    let sum = 0;
    for (const { target, weight } of this.#candidates) if (!avoid.includes(target)) sum += weight;
    let left = this.#random() * sum;
    let last: Candidate | null = null;
    for (const candidate of this.#candidates) {
      if (avoid.includes(candidate.target)) continue;
      last = candidate;
      left -= candidate.weight;
      if (left < 0) break;
    }
    return last;
  }
}
