/** Who is turned away at which pressure: the three thresholds of the contract, in one place. */
import type { Priority } from '../contracts/config.ts';

/** Requests of a route are shed from this share of a limit on. */
export const shedFrom: { readonly [P in Priority]: number } = { low: 0.8, normal: 0.9, high: 1 };

/**
 * The same for the places at one upstream (`overload.adaptive`). More is kept free, since these are few: high routes shall
 * find one though normal ones take all that they may; of those, only high ones count. Nothing is lost by it, as the limit
 * grows until what is used of it makes the upstream busy.
 */
export const placesFrom: { readonly [P in Priority]: number } = { low: 0.5, normal: 0.75, high: 1 };

/** Whose requests are turned away. */
export type Level = 'nobody' | 'low' | 'normal' | 'all';

/** Each with the pressure at which it begins, rising. */
export const levels: readonly { readonly level: Level; readonly from: number }[] = [
  { level: 'nobody', from: 0 },
  { level: 'low', from: shedFrom.low },
  { level: 'normal', from: shedFrom.normal },
  { level: 'all', from: shedFrom.high },
];

/** From this level on the access log is thinned out. */
export const thinsLogFrom = 2;

/** Index into `levels`. */
export function levelAt(pressure: number): number {
  let index = levels.length - 1;
  while (index > 0 && pressure < (levels[index] as { from: number }).from) index--;
  return index;
}
