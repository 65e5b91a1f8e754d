/** The slow start of a target that comes back: caches and connections are cold, and a full share at once could fell it again. */

/** Also the coldest gets something, or it would never warm up. */
const coldest = 0.1;

/** Its part of its own weight, from a tenth up to 1, after so long. */
export function warmth(sinceMs: number, slowStartMs: number): number {
  return Math.min(1, Math.max(coldest, sinceMs / slowStartMs));
}
