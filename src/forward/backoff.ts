/** How long to wait before a failed request is tried again. */
import type { Backoff } from '../contracts/retry.ts';

/**
 * Full jitter: anything from 0 to a bound that doubles with each retry, so that those who failed together do not come
 * back together. `retry` counts from 1; 0 ≤ random < 1.
 */
export function backoffMs({ baseMs, maxMs }: Backoff, retry: number, random: number): number {
  return random * Math.min(maxMs, baseMs * 2 ** (retry - 1));
}

/**
 * What a Retry-After field of an answer asks for (RFC 9110, section 10.2.3): seconds, or a date. 0: nothing that could be
 * read. `wallMs`: Date.now().
 */
export function readRetryAfterMs(raw: readonly Buffer[], wallMs: number): number {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as Buffer;
    if (name.length !== 11 || name.toString('latin1').toLowerCase() !== 'retry-after') continue;
    return parseRetryAfter((raw[i + 1] as Buffer).toString('latin1').trim(), wallMs);
  }
  return 0;
}

function parseRetryAfter(value: string, wallMs: number): number {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  // Date.parse also makes something of "-1" and "2.5"; every form of an HTTP date begins with the day of the week.
  const at = /^[A-Z][a-z]+,? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallMs);
}
