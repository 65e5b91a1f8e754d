/** A limit with the values that a test cares about. */
import type { LimitRule } from '../../../src/contracts/limiter.ts';

export function ruleOf(values: Partial<LimitRule>): LimitRule {
  return {
    id: 'client global',
    name: '"global"',
    policy: '"global";q=10;w=1',
    max: 10,
    windowMs: 1_000,
    key: { kind: 'client' },
    isShadow: false,
    detail: 'too many',
    ...values,
  };
}
