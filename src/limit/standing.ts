/** What is left in a bucket, for operators. */
import type { LimitRule, Rate } from '../contracts/limiter.ts';
import { capacityOf, tokensLeft, waitForAll } from './bucket.ts';

export interface BucketStanding {
  /** What it limits and by which key: the id of the rule. */
  readonly limit: string;
  readonly max: number;
  readonly windowMs: number;
  readonly left: number;
  /** Until it is full again, if nobody draws from it. */
  readonly fullInMs: number;
}

/** `level`: as in Levels, of an ask that took nothing. Null: the bucket is full. */
export function describeBucket(rule: LimitRule, level: number): BucketStanding | null {
  const used = level < 0 ? usedWhileWaiting(-level, rule) : level;
  if (used <= 0) return null;
  const { id, max, windowMs } = rule;
  return { limit: id, max, windowMs, left: Math.max(0, tokensLeft(used, rule)), fullInMs: waitForAll(used, rule) };
}

/** So much more than there may be for one token, as it takes that long to come back. */
function usedWhileWaiting(waitMs: number, rule: Rate): number {
  return capacityOf(rule) - rule.windowMs + waitMs * rule.max;
}
