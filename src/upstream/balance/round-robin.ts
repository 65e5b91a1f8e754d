/** Targets take turns by weight, evenly mixed: at 5, 1, 1 the order is a a b a c a a, not a a a a a b c (nginx's smooth form). */
import type { Exchange } from '../../contracts/exchange.ts';
import type { Target } from '../../contracts/upstream.ts';
import type { Balancer, Candidate } from './balancer.ts';

interface Turn extends Candidate {
  /** Grows by the weight with every pick; who is picked pays for all. */
  credit: number;
}

export class RoundRobinBalancer implements Balancer {
  readonly #random: () => number;
  #turns: Turn[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  update(usable: readonly Candidate[]): void {
    const credits = new Map(this.#turns.map(({ target, credit }) => [target, credit]));
    this.#turns = usable.map(({ target, weight }) => ({
      target,
      weight,
      // Workers that all began with the first target would send it their first requests together.
      credit: credits.get(target) ?? this.#random() * weight,
    }));
  }

  pick(_x: Exchange, avoid: readonly Target[]): Target | null {
    let best: Turn | null = null;
    let all = 0;
    for (const turn of this.#turns) {
      if (avoid.length > 0 && avoid.includes(turn.target)) continue;
      turn.credit += turn.weight;
      all += turn.weight;
      if (best === null || turn.credit > best.credit) best = turn;
    }
    if (best === null) return null;
    best.credit -= all;
    return best.target;
  }
}
