/** The limits of a config, and for each route the stage that puts its requests to those that apply. */
import type { RouteLimits } from '../contracts/compiled.ts';
import type { LimitConfig, RateLimitConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Limiter, LimitRule } from '../contracts/limiter.ts';
import type { Maybe } from '../contracts/maybe.ts';
import type { Verdict } from '../contracts/refusal.ts';
import { bucketKey, deniedBucketKey } from './bucket-keys.ts';
import { RuleMaker } from './rules.ts';
import { settle } from './settle.ts';

/** The rules whose path matches, in the order of the file. */
export interface PathRules {
  readonly isEmpty: boolean;
  find(path: string, otherPaths: readonly string[]): readonly LimitRule[];
}

export interface Limits {
  /** Null: no limit can apply to the route's requests. `identity`: tells it apart, also after a reload. */
  ofRoute(config: LimitConfig | null, identity: string): RouteLimits | null;
}

/** `compilePaths`: the way in which routes are matched, for `perRoute`. */
export function compileLimits(
  config: Pick<RateLimitConfig, 'global' | 'perRoute'>,
  limiter: Limiter,
  compilePaths: (items: readonly { readonly path: string; readonly value: LimitRule }[]) => PathRules,
): Limits {
  const make = new RuleMaker();
  const global = config.global === null ? [] : [make.global(config.global)];
  const paths = compilePaths(config.perRoute.map((entry) => ({ path: entry.path, value: make.path(entry) })));
  return {
    ofRoute(own, identity) {
      if (own === null && global.length === 0 && paths.isEmpty) return null;
      const ofRoute = own === null ? [] : [make.route(own, identity)];
      return new LimitStage(limiter, global, paths, ofRoute);
    },
  };
}

class LimitStage implements RouteLimits {
  readonly #limiter: Limiter;
  readonly #global: readonly LimitRule[];
  readonly #paths: PathRules;
  readonly #own: readonly LimitRule[];
  /** What applies to a request that no entry of `perRoute` matches. */
  readonly #usual: readonly LimitRule[];

  constructor(limiter: Limiter, global: readonly LimitRule[], paths: PathRules, own: readonly LimitRule[]) {
    this.#limiter = limiter;
    this.#global = global;
    this.#paths = paths;
    this.#own = own;
    this.#usual = [...global, ...own];
  }

  admit(x: Exchange, isDenied: boolean): Maybe<Verdict> {
    const rules = this.#rulesFor(x);
    if (rules.length === 0) return null;
    const admission = this.#limiter.admit({ rules, buckets: nameBuckets(rules, x, isDenied) });
    if (!(admission instanceof Promise)) return settle(x, rules, admission);
    return admission.then((settled) => settle(x, rules, settled));
  }

  #rulesFor({ head }: Exchange): readonly LimitRule[] {
    if (this.#paths.isEmpty) return this.#usual;
    const matching = this.#paths.find(head.path, head.otherPaths);
    return matching.length === 0 ? this.#usual : [...this.#global, ...matching, ...this.#own];
  }
}

function nameBuckets(rules: readonly LimitRule[], x: Exchange, isDenied: boolean): string[] {
  const buckets: string[] = [];
  for (const { id, key } of rules) buckets.push(`${id}|${isDenied ? deniedBucketKey(key, x) : bucketKey(key, x)}`);
  return buckets;
}
