/**
 * The token bucket, as arithmetic on whole numbers, so that Redis (Lua) and memory come to the same result to the last
 * bit. A bucket is how much of it is in use, and when that was true. It is counted in units: a token is `windowMs` of
 * them, and `max` of them are given back each millisecond, so nothing is divided before an answer is read off, and
 * nothing is rounded.
 *
 * A full bucket of a million tokens over a month still stays below 2^53. Beyond that, doubles round: an error of a
 * millionth of a token with each one that is taken.
 */
import type { Rate } from '../contracts/limiter.ts';

/** Units of a full bucket. */
export function capacityOf(rate: Rate): number {
  return rate.max * rate.windowMs;
}

/** Units still in use at `now`, of `used` at the time `at`. Times are whole milliseconds. */
export function usedNow(used: number, at: number, rate: Rate, now: number): number {
  if (now <= at) return used;
  const left = used - (now - at) * rate.max;
  return left > 0 ? left : 0;
}

/**
 * The time to remember with what is in use at `now`. A clock that was set back gives nothing back before it has caught
 * up, or time would count twice; when it was set back by more than a window, nobody waits for that.
 */
export function settledAt(at: number, rate: Rate, now: number): number {
  return now >= at || at - now > rate.windowMs ? now : at;
}

/** 0: a token is there, and taking it adds `windowMs` to what is in use. Else whole milliseconds until there is one. */
export function waitForToken(used: number, rate: Rate): number {
  const missing = used + rate.windowMs - capacityOf(rate);
  return missing > 0 ? Math.ceil(missing / rate.max) : 0;
}

/** Tokens that are there. */
export function tokensLeft(used: number, rate: Rate): number {
  return Math.floor((capacityOf(rate) - used) / rate.windowMs);
}

/** Milliseconds until the bucket is full again. */
export function waitForAll(used: number, rate: Rate): number {
  return Math.ceil(used / rate.max);
}

/**
 * What is in use once a reload has changed the rule: as many tokens as before. So nobody who has used up a limit gets a
 * new one by a reload, and a limit that is raised gives at once what it has more.
 */
export function carryOver(used: number, oldWindowMs: number, rate: Rate): number {
  const units = oldWindowMs === rate.windowMs ? used : Math.ceil(used / oldWindowMs) * rate.windowMs;
  return Math.min(units, capacityOf(rate));
}
