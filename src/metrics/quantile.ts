/** Percentiles out of histogram buckets, as Prometheus' histogram_quantile takes them. */

/**
 * `counts`: observations in each bucket, not cumulative, the last one's without upper bound. Within a bucket they are
 * taken to be spread evenly. What lies above the last bound is told as that bound; null: there are none.
 */
export function quantileOf(share: number, counts: ArrayLike<number>, bounds: readonly number[]): number | null {
  let all = 0;
  for (let i = 0; i <= bounds.length; i++) all += counts[i] ?? 0;
  if (all <= 0) return null;
  const rank = share * all;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const inside = counts[i] ?? 0;
    if (inside > 0 && below + inside >= rank) {
      const from = bounds[i - 1] ?? 0;
      return from + (bound - from) * ((rank - below) / inside);
    }
    below += inside;
  }
  return bounds.at(-1) ?? null;
}
