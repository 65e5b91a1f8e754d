/**
 * What buckets are called in Redis: `PREFIX:limit:{whose}:which limit`. Redis Cluster puts what has the same `{…}` into the
 * same slot, so all limits of one client are taken in one call. A limit that all share has a slot of its own.
 */
export interface RedisBucket {
  /** What decides on the slot. */
  readonly tag: string;
  readonly key: string;
  /** Shared by all clients. */
  readonly isShared: boolean;
}

/** `prefix`: of all keys. `bucket`: as in Ask (src/contracts/limiter.ts). */
export function placeBucket(prefix: string, bucket: string): RedisBucket {
  const bar = bucket.indexOf('|');
  const rule = escapeBraces(bucket.slice(0, bar));
  const whose = escapeBraces(bucket.slice(bar + 1));
  // Begins with "all ", which nothing does that tells clients apart (src/limit/bucket-keys.ts).
  if (whose === 'a') return { tag: rule, key: `${prefix}:limit:{${rule}}`, isShared: true };
  return { tag: whose, key: `${prefix}:limit:{${whose}}:${rule}`, isShared: false };
}

/** Outside of all limits, in the slot of this tag. */
export function probeKey(prefix: string, tag: string): string {
  return `${prefix}:probe:{${tag}}`;
}

/** The name of a consumer or a path may hold some; different names stay different. */
function escapeBraces(text: string): string {
  if (!/[%{}]/.test(text)) return text;
  return text.replaceAll('%', '%25').replaceAll('{', '%7B').replaceAll('}', '%7D');
}
