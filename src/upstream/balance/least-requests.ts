/**
 * Two random candidates, the less busy one wins: near the best without looking at all of them, and without the herd that
 * all workers would form if each chose the one that looks idlest (Mitzenmacher, "The power of two choices").
 */
import type { Exchange } from '../../contracts/exchange.ts';
import type { Target } from '../../contracts/upstream.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { WeightedDraw } from './random.ts';

export class LeastRequestsBalancer implements Balancer {
  readonly #draw: WeightedDraw;

  constructor(random: () => number) {
    this.#draw = new WeightedDraw(random);
  }

  update(usable: readonly Candidate[]): void {
    this.#draw.update(usable);
  }

  /** Both are drawn by weight and a tie goes to the first, so that idle targets get requests by their weights. */
  pick(_x: Exchange, avoid: readonly Target[]): Target | null {
    const first = this.#draw.draw(avoid);
    if (first === null || this.#draw.size === 1) return first?.target ?? null;
    let second = this.#draw.draw(avoid) as Candidate;
    // Twice the same says nothing about the others.
    if (second === first) second = this.#draw.draw(avoid) as Candidate;
    return busynessOf(second) < busynessOf(first) ? second.target : first.target;
  }
}

function busynessOf({ target, weight }: Candidate): number {
  return (target.connections.inFlight + target.connections.tunnels) / weight;
}
