/** Whose bucket a request draws from: the part of a bucket's name behind the "|". */
import { hash } from 'node:crypto';
import type { Exchange } from '../contracts/exchange.ts';
import type { LimitKey } from '../contracts/limiter.ts';
import { fieldValues } from '../core/http-fields.ts';
import { networkOf } from '../core/ip.ts';

/** The first letter tells the kinds apart: no consumer can be called like an address. */
export function bucketKey(key: LimitKey, x: Exchange): string {
  switch (key.kind) {
    case 'all':
      return 'a';
    case 'ip':
      return ipKey(x);
    case 'client':
    case 'consumer':
      return clientKey(x);
    case 'header':
      return headerKey(key.field, x);
  }
}

/**
 * For a request that auth refuses: it counts for who sent it and for nobody else. Else a stranger could use up what all
 * share, or what belongs to the client whose name it writes into a field.
 */
export function deniedBucketKey(key: LimitKey, x: Exchange): string {
  return key.kind === 'ip' ? ipKey(x) : clientKey(x);
}

function clientKey(x: Exchange): string {
  return x.consumer === '' ? ipKey(x) : `c${x.consumer}`;
}

function ipKey(x: Exchange): string {
  return `i${networkOf(x.head.client.ip)}`;
}

/** Hashed: a value may be long, and may be a secret. Empty counts as absent. */
function headerKey(field: string, x: Exchange): string {
  const value = fieldValues(x.head.rawHeaders, field).join(', ');
  if (value === '') return ipKey(x);
  return `h${hash('sha256', Buffer.from(value, 'latin1'), 'base64url').slice(0, 22)}`;
}
