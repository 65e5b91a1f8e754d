/** Buckets in Redis as operators look at them, and give them back: nothing that requests wait for. */
import type { LimitRule } from '../contracts/limiter.ts';
import { BucketCall } from './bucket-call.ts';
import { placeBucket, type RedisBucket } from './bucket-keys.ts';
import type { RedisStore } from './redis-store.ts';
import { defineScript } from './script.ts';

/** Few enough that Redis is not held up for long. */
const bucketsPerCall = 200;

const dropScript = defineScript(`return redis.call('UNLINK', unpack(KEYS))`);

/** The level of each rule's bucket; null: Redis has not answered. `whose`: as in src/limit/bucket-keys.ts. */
export async function lookAtBuckets(
  store: RedisStore,
  rules: readonly LimitRule[],
  whose: string,
): Promise<number[] | null> {
  const levels = new Map<LimitRule, number>();
  for (const { tag, placed } of callsFor(store, rules, whose)) {
    const call = new BucketCall();
    for (const { rule, bucket } of placed) call.add('look', [rule], [bucket.key]);
    const answer = await call.send(store, tag);
    if (answer === null) return null;
    for (const [i, { rule }] of placed.entries()) levels.set(rule, answer[i]?.[0] ?? 0);
  }
  return rules.map((rule) => levels.get(rule) ?? 0);
}

/** False: Redis has not answered, or has said no, and some may be as they were. */
export async function dropBuckets(store: RedisStore, rules: readonly LimitRule[], whose: string): Promise<boolean> {
  for (const { tag, placed } of callsFor(store, rules, whose)) {
    const keys = placed.map(({ bucket }) => bucket.key);
    const answer = await store.run({ script: dropScript, keys, args: [] }, tag);
    if (answer === null || answer instanceof Error) return false;
  }
  return true;
}

interface Placed {
  readonly rule: LimitRule;
  readonly bucket: RedisBucket;
}

/** What lies in one slot travels together. */
function callsFor(
  { prefix }: RedisStore,
  rules: readonly LimitRule[],
  whose: string,
): { readonly tag: string; readonly placed: readonly Placed[] }[] {
  const placed = rules.map((rule) => ({ rule, bucket: placeBucket(prefix, `${rule.id}|${whose}`) }));
  const calls: { tag: string; placed: Placed[] }[] = [];
  for (const one of placed) {
    const last = calls.at(-1);
    const fits = last !== undefined && last.tag === one.bucket.tag && last.placed.length < bucketsPerCall;
    if (fits) last.placed.push(one);
    else calls.push({ tag: one.bucket.tag, placed: [one] });
  }
  return calls;
}
