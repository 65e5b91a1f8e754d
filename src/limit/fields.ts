/**
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): structured fields, a list with an item for
 * each enforced limit. Whose bucket it is (`pk`) is not said: it would tell a client how it is known here.
 */
import type { Levels, LimitRule } from '../contracts/limiter.ts';
import { tokensLeft, waitForAll, waitForToken } from './bucket.ts';

/** A flat list of fields; empty when all limits are shadowed. */
export function limitFields(rules: readonly LimitRule[], levels: Levels): readonly string[] {
  let policies = '';
  let states = '';
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as LimitRule;
    if (rule.isShadow) continue;
    const separator = policies === '' ? '' : ', ';
    policies += separator + rule.policy;
    states += separator + stateOf(rule, levels[i] as number);
  }
  return policies === '' ? noFields : ['RateLimit-Policy', policies, 'RateLimit', states];
}

/**
 * `r` requests are left, and in `t` seconds the bucket is full again. When none is left the next one counts: then `t` is
 * how long to wait for it.
 */
function stateOf(rule: LimitRule, level: number): string {
  if (level < 0) return `${rule.name};r=0;t=${inSeconds(-level)}`;
  const left = tokensLeft(level, rule);
  return `${rule.name};r=${left};t=${inSeconds(left === 0 ? waitForToken(level, rule) : waitForAll(level, rule))}`;
}

function inSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

const noFields: readonly string[] = [];
