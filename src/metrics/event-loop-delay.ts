/** How late the event loop is: the mean over the time since the last look, in milliseconds. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 20;

/** Begins to measure; each call of the answer gives the mean since the call before. */
export function watchEventLoopDelay(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return () => {
    // Node records the distance between two ticks of its timer, which is never below the resolution.
    const meanMs = histogram.count === 0 ? 0 : histogram.mean / 1e6 - resolutionMs;
    histogram.reset();
    return Math.max(0, Math.round(meanMs * 100) / 100);
  };
}
