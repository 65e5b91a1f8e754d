/** All limits of a request or none: the one rule by which both authorities decide. Redis has it as a Lua script. */
import type { Levels, Rate } from '../contracts/limiter.ts';
import { carryOver, settledAt, usedNow, waitForToken } from './bucket.ts';

/** As much of a rule as deciding takes. */
export interface JudgedRule extends Rate {
  readonly isShadow: boolean;
}

/** What is kept of a bucket; one that is full is not kept at all. */
export interface BucketState {
  /** Units in use, at that time. */
  used: number;
  at: number;
  /** Of the rule that last drew from it: units mean nothing without. */
  windowMs: number;
}

export interface BucketStore {
  /** Null: the bucket is full. What is returned may be overwritten by the next call. */
  read(bucket: string): Readonly<BucketState> | null;
  write(bucket: string, used: number, at: number, rate: Rate): void;
}

/**
 * Takes a token from each bucket when every enforced rule has one, else from none. A shadowed rule has no say in that: it
 * takes its token when the request passes and it has one, as it would if it were enforced and all alone. See Levels for
 * the answer. `now` in whole milliseconds.
 */
export function judge(
  rules: readonly JudgedRule[],
  buckets: readonly string[],
  store: BucketStore,
  now: number,
): Levels {
  const levels: number[] = [];
  const times: number[] = [];
  let isAdmitted = true;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as JudgedRule;
    const state = store.read(buckets[i] as string);
    const used = state === null ? 0 : usedNow(carryOver(state.used, state.windowMs, rule), state.at, rule, now);
    const wait = waitForToken(used, rule);
    times.push(state === null ? now : settledAt(state.at, rule, now));
    levels.push(wait > 0 ? -wait : used);
    if (wait > 0 && !rule.isShadow) isAdmitted = false;
  }
  if (!isAdmitted) return levels;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as JudgedRule;
    const used = levels[i] as number;
    if (used < 0) continue;
    levels[i] = used + rule.windowMs;
    store.write(buckets[i] as string, used + rule.windowMs, times[i] as number, rule);
  }
  return levels;
}

/** Whether the request may pass, as far as these answers go. */
export function isAdmitted(rules: readonly JudgedRule[], levels: Levels): boolean {
  for (let i = 0; i < rules.length; i++) {
    if ((levels[i] as number) < 0 && !(rules[i] as JudgedRule).isShadow) return false;
  }
  return true;
}
