/** Chooses a target for a try. One per upstream and worker; it is told which targets are usable and asked for each try. */
import type { Exchange } from '../../contracts/exchange.ts';
import type { Target } from '../../contracts/upstream.ts';

export interface Candidate {
  readonly target: Target;
  /** Its share beside the others', above 0. */
  readonly weight: number;
}

export interface Balancer {
  /** The targets that may be chosen from now on, at least one. Called when that changes, not per request. */
  update(usable: readonly Candidate[]): void;
  /** One of them that is not in `avoid`; null: all of them are. */
  pick(x: Exchange, avoid: readonly Target[]): Target | null;
}
