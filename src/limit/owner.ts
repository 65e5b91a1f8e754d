/** Whose buckets an operator asks for, as it is written in a path: `client:NAME`, `ip:ADDRESS` or `all`. */
import { isIP } from 'node:net';
import type { LimitRule } from '../contracts/limiter.ts';
import { networkOf, normalizeIp } from '../core/ip.ts';

export interface LimitOwner {
  /** The part of a bucket's name behind the "|": see bucket-keys.ts. */
  readonly whose: string;
  /** Whether requests of this owner can draw from a bucket of that rule. */
  draws(rule: LimitRule): boolean;
}

/** Null: it is none of these. */
export function parseOwner(text: string): LimitOwner | null {
  if (text === 'all') return { whose: 'a', draws: ({ key }) => key.kind === 'all' };
  const [kind = '', ...rest] = text.split(':');
  const name = rest.join(':');
  if (name === '') return null;
  // Where there is no consumer and no field the address stands in; where auth refuses it always does.
  if (kind === 'ip') return isIP(name) === 0 ? null : { whose: `i${networkOf(normalizeIp(name))}`, draws: () => true };
  if (kind !== 'client' && kind !== 'consumer') return null;
  return { whose: `c${name}`, draws: ({ key }) => key.kind !== 'ip' };
}
