/** What an admission means for the request: noted in the exchange, and answered with a refusal or with nothing. */
import type { Exchange } from '../contracts/exchange.ts';
import type { Admission, Levels, LimitRule } from '../contracts/limiter.ts';
import type { RefusalCode, Verdict } from '../contracts/refusal.ts';
import { refusal } from '../core/refusals.ts';
import { limitFields } from './fields.ts';

export function settle(x: Exchange, rules: readonly LimitRule[], admission: Admission): Verdict {
  if (admission === 'open') {
    x.limited = 'open';
    return null;
  }
  if (admission === 'closed') return settleClosed(x, rules);
  x.limitFields = limitFields(rules, admission);
  const refusing = longestWait(rules, admission);
  if (refusing !== -1) {
    x.limited = 'refused';
    const waitMs = -(admission[refusing] as number);
    const retryAfter = ['Retry-After', String(Math.ceil(waitMs / 1000))];
    return refusal('rate_limited', (rules[refusing] as LimitRule).detail, retryAfter);
  }
  const isShadowed = rules.some((_, i) => (admission[i] as number) < 0);
  if (isShadowed) noteShadow(x, 'rate_limited');
  else x.limited = 'admitted';
  return null;
}

function settleClosed(x: Exchange, rules: readonly LimitRule[]): Verdict {
  if (rules.every(({ isShadow }) => isShadow)) {
    noteShadow(x, unavailable.code);
    return null;
  }
  x.limited = 'closed';
  return unavailable;
}

function noteShadow(x: Exchange, code: RefusalCode): void {
  x.limited = 'shadow';
  x.shadow = [...x.shadow, code];
}

/** The index of the enforced rule that refuses for the longest; -1: none does. */
function longestWait(rules: readonly LimitRule[], levels: Levels): number {
  let longest = -1;
  let level = 0;
  for (let i = 0; i < rules.length; i++) {
    if ((levels[i] as number) >= level || (rules[i] as LimitRule).isShadow) continue;
    longest = i;
    level = levels[i] as number;
  }
  return longest;
}

const unavailable = refusal('rate_limiter_unavailable', 'whether a limit is used up can not be told at the moment');
