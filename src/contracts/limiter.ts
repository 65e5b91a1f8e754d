/** Rate limits as a request meets them, and as whoever keeps the buckets (the authority) is asked. */
import type { Maybe } from './maybe.ts';

/** A token bucket: `max` tokens, refilled evenly over `windowMs`. Both are whole numbers from 1. */
export interface Rate {
  readonly max: number;
  readonly windowMs: number;
}

/** Whose bucket a request draws from. `client`: the consumer, else the IP. A field's name is lower case. */
export type LimitKey =
  | { readonly kind: 'client' | 'ip' | 'consumer' | 'all' }
  | { readonly kind: 'header'; readonly field: string };

/** One limit of the config. */
export interface LimitRule extends Rate {
  /** Tells it apart from all others, also after a reload: what it limits and by which key. Holds no "|". */
  readonly id: string;
  /** In RateLimit, quoted: `"global"`, `"route"`, or the path of the entry. */
  readonly name: string;
  /** In RateLimit-Policy: `"global";q=1000;w=60`. */
  readonly policy: string;
  readonly key: LimitKey;
  /** Decides and is counted, but never refuses. */
  readonly isShadow: boolean;
  /** For the client when it refuses. */
  readonly detail: string;
}

/** A request that wants one token of each of its limits, or none at all. */
export interface Ask {
  readonly rules: readonly LimitRule[];
  /** Of each rule the name of the bucket: its id, "|", and whose it is. All of one request are different. */
  readonly buckets: readonly string[];
}

/**
 * The answer to an ask, one number for each rule in order. From 0: there was a token, and so many units of the bucket are
 * in use now (see src/limit/bucket.ts). Below 0: there was none, and there will be one after so many milliseconds.
 *
 * The request is admitted when no enforced rule is below 0; only then has it taken anything, also from shadowed rules
 * that had a token.
 */
export type Levels = ArrayLike<number>;

/** Why there are no levels: the authority is away and the config says what that means. */
export type Unanswered = 'open' | 'closed';

export type Admission = Levels | Unanswered;

/** The values of `rate_limit_decisions_total{decision}`. */
export type LimitDecision =
  | 'admitted'
  | 'refused'
  /** Let pass, though a limit in shadow mode would have refused. */
  | 'shadow'
  /** Let pass, since the authority is away and the config says so. */
  | 'open'
  /** Refused, since the authority is away and the config says so. */
  | 'closed';

/** Puts requests to their limits: one call per request, with all of them. */
export interface Limiter {
  admit(ask: Ask): Maybe<Admission>;
}

/** Who keeps the buckets: the supervisor for all workers of a node, or Redis for all nodes. */
export interface LimitAuthority {
  /**
   * The asks of one turn of the event loop, judged one after the other. Answers in the same order. Never rejects, and
   * takes no longer than the authority may be waited for: what happens then is its own affair.
   */
  admit(batch: readonly Ask[]): Promise<readonly Admission[]>;
}
