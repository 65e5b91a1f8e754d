/** Answers a request with a refusal: the one place where the gateway's own errors become bytes. */
import type { Exchange } from '../contracts/exchange.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { Reply } from '../contracts/reply.ts';
import { problemBody } from './refusals.ts';

/** Only for a reply that has not begun; whoever has begun one can do no more than abort it. */
export function sendRefusal(x: Exchange, refused: Refusal, reply: Reply): void {
  x.refusal = refused;
  x.status = refused.status;
  const headers = [
    'Content-Type',
    'application/problem+json',
    'X-Request-Id',
    x.id,
    ...refused.headers,
    ...x.limitFields,
  ];
  const cors = x.route?.cors ?? null;
  // Without these a browser would hide from the page why it was refused.
  if (cors !== null) headers.push(...cors.actual(originOf(x)), ...exposedFields(x));
  if (refused.close) reply.closeConnection();
  reply.whole(refused.status, headers, problemBody(refused, x.id));
}

/** The page may read what the answer says of limits: a browser shows it a few harmless fields and those that are named. */
export function exposedFields(x: Exchange): readonly string[] {
  return x.limitFields.length === 0 ? none : exposed;
}

/** The Origin field, or null. */
export function originOf(x: Exchange): string | null {
  const raw = x.head.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length === 6 && name.toLowerCase() === 'origin') return raw[i + 1] as string;
  }
  return null;
}

const none: readonly string[] = [];
const exposed: readonly string[] = ['Access-Control-Expose-Headers', 'RateLimit, RateLimit-Policy, Retry-After'];
