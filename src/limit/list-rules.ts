/** All limits of a config, as the rules that `compileLimits` makes of them: with the same ids, for who looks at buckets. */
import type { LimitConfig, RateLimitConfig } from '../contracts/config.ts';
import type { LimitRule } from '../contracts/limiter.ts';
import { RuleMaker } from './rules.ts';

export interface LimitedRoute {
  readonly limit: LimitConfig;
  /** Tells the route apart, also after a reload. */
  readonly identity: string;
}

export function listRules(
  { global, perRoute }: Pick<RateLimitConfig, 'global' | 'perRoute'>,
  routes: readonly LimitedRoute[],
): LimitRule[] {
  const make = new RuleMaker();
  return [
    ...(global === null ? [] : [make.global(global)]),
    ...perRoute.map((entry) => make.path(entry)),
    ...routes.map(({ limit, identity }) => make.route(limit, identity)),
  ];
}
