/** `overload.adaptive`: for each upstream the limit that its latency has taught. What was learned outlives reloads. */
import type { Config } from '../contracts/config.ts';
import type { UpstreamLimit, UpstreamLimits } from '../contracts/upstream-limit.ts';
import { GradientLimit } from './gradient.ts';

export class AdaptiveLimits implements UpstreamLimits {
  readonly #random: () => number;
  readonly #limits = new Map<string, GradientLimit>();
  #isOn = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Upstreams that are no longer there are forgotten; requests that are under way keep theirs to the end. */
  configure({ overload, upstreams }: Pick<Config, 'overload' | 'upstreams'>): void {
    this.#isOn = overload.adaptive;
    const names = new Set(overload.adaptive ? upstreams.map(({ name }) => name) : []);
    for (const name of this.#limits.keys()) if (!names.has(name)) this.#limits.delete(name);
    for (const name of names) {
      if (this.#limits.has(name)) continue;
      this.#limits.set(name, new GradientLimit(overload.maxConcurrent, this.#random));
    }
  }

  of(upstream: string): UpstreamLimit | null {
    return this.#isOn ? (this.#limits.get(upstream) ?? null) : null;
  }

  /** For metrics: name and limit. */
  *entries(): Iterable<readonly [string, number]> {
    for (const [name, { limit }] of this.#limits) yield [name, limit];
  }
}
